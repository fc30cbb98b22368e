// Lists: newest first, cut by limit and cursors, as every list of the API.
import { invalid, missing } from './errors.ts'
import { either, integer, object, string, timestamp } from './params.ts'

export interface Listed {
  id: string
  created: number
}

export interface List<T> {
  object: 'list'
  data: T[]
  has_more: boolean
  url: string
}

/** The parameters that every list takes. */
export const listParams = {
  limit: integer({ min: 1, max: 100 }),
  starting_after: string(),
  ending_before: string(),
}

const range = object({
  gt: timestamp(),
  gte: timestamp(),
  lt: timestamp(),
  lte: timestamp(),
})

/** `created=…` or `created[gte]=…`. */
export const createdParam = either(timestamp(), range)

export interface PageParams {
  limit?: number
  starting_after?: string
  ending_before?: string
}

/**
 * One page of the objects, newest first; of the same second, the later written first.
 * @param kind names the object in the refusal of an unknown cursor
 * @param all what the objects were filtered from: a cursor holds its place when it leaves the filter
 */
export function paginate<T extends Listed>(
  objects: Iterable<T>,
  params: PageParams,
  url: string,
  kind: string,
  all?: Iterable<T>,
): List<T> {
  const listed = [...objects]
  const kept = new Set(listed.map(({ id }) => id))
  const cursor = params.starting_after ?? params.ending_before
  const newestFirst = [...(all ?? listed)]
    .reverse()
    .sort((a, b) => b.created - a.created)
    .filter(({ id }) => kept.has(id) || id === cursor)
  return page(newestFirst, params, url, kind)
}

/** One page of objects that already stand in their order. */
export function page<T extends { id: string }>(
  ordered: T[],
  params: PageParams,
  url: string,
  kind: string,
): List<T> {
  const { limit = 10, starting_after, ending_before } = params
  if (starting_after !== undefined && ending_before !== undefined) {
    throw invalid('You may only specify one of these parameters: ending_before, starting_after.', {
      code: 'parameters_exclusive',
      param: 'ending_before',
    })
  }
  if (ending_before !== undefined) {
    const end = indexOf(ordered, ending_before, 'ending_before', kind)
    const start = Math.max(0, end - limit)
    return { object: 'list', data: ordered.slice(start, end), has_more: start > 0, url }
  }
  const start =
    starting_after === undefined ? 0 : indexOf(ordered, starting_after, 'starting_after', kind) + 1
  const data = ordered.slice(start, start + limit)
  return { object: 'list', data, has_more: start + limit < ordered.length, url }
}

/** A list that is printed whole, inside an object. */
export function wholeList<T>(data: T[], url: string): List<T> {
  return { object: 'list', data, has_more: false, url }
}

/** Whether a moment lies in the asked range. */
export function inRange(
  moment: number,
  wanted: number | { gt?: number; gte?: number; lt?: number; lte?: number } | undefined,
): boolean {
  if (wanted === undefined) return true
  if (typeof wanted === 'number') return moment === wanted
  const { gt, gte, lt, lte } = wanted
  return (
    (gt === undefined || moment > gt) &&
    (gte === undefined || moment >= gte) &&
    (lt === undefined || moment < lt) &&
    (lte === undefined || moment <= lte)
  )
}

function indexOf(ordered: { id: string }[], id: string, param: string, kind: string): number {
  const index = ordered.findIndex((object) => object.id === id)
  if (index >= 0) return index
  throw missing(kind, id, param)
}
