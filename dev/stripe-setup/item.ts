// What stripe:setup found, or has to do: a plan is a list of these.

/** Where the objects carry their mark, in Stripe's metadata. */
export const MARK = 'tollgate'

export type Item =
  /** As it should be, or not asked for. */
  { kind: 'ok' | 'skip'; what: string } | Step

/** `create`: something that was not there. `change`: something that is, which is asked for first. */
export interface Step {
  kind: 'create' | 'change'
  what: string
  /** @returns the id of what it made or changed */
  run(): Promise<string>
}

export function isStep(item: Item): item is Step {
  return item.kind === 'create' || item.kind === 'change'
}

/** All pages of a list. */
export async function collect<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of pages) all.push(one)
  return all
}

/** `name "Hobby" -> "Tollgate Hobby"`, for each value that differs; empty when none does. */
export function differences(
  found: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
): string[] {
  return Object.entries(wanted).flatMap(([name, value]) => {
    const [before, after] = [JSON.stringify(found[name] ?? null), JSON.stringify(value)]
    return before === after ? [] : [`${name} ${before} -> ${after}`]
  })
}
