// The data sets: generate, estimate, and what each is. The paywall reserves what a data set may cost; the stream's end
// books what it cost.
import { Hono } from 'hono'
import { accepts } from 'hono/accepts'
import type { AppContext, AppEnv, Guard } from '../context.ts'
import { NO_UNITS, type Units } from '../data/units.ts'
import { PLANS, TIERS } from '../plans.ts'
import { Problem } from '../problem.ts'
import { validJson } from '../validate.ts'
import { DATASET_TYPES, datasetTypeOf } from './catalogue.ts'
import type { Format } from './dataset-type.ts'
import { describeType } from './describe.ts'
import { openDataset } from './open-dataset.ts'
import { seedFrom } from './random.ts'
import {
  CONTENT_TYPES,
  type DatasetRequest,
  datasetRequest,
  excessesOf,
  reactionsReserved,
} from './request.ts'

/** `paywall` makes a guard that reserves what `costOf` says. */
export function datasetRoutes(
  paywall: (costOf: (c: AppContext) => Promise<Units>) => Guard,
): Hono<AppEnv> {
  const routes = new Hono<AppEnv>()
    .post('/generate', paywall(costOfRequest), (c) => {
      const { deps, paid, datasetRequest: request } = c.var
      const isSample = paid.mode === 'test'
      const excesses = isSample ? [] : excessesOf(request, paid.tier)
      if (excesses.length > 0) {
        paid.costs(NO_UNITS)
        throw new Problem('invalid_request', { members: { errors: excesses } })
      }
      const settle = paid.settleLater()
      const dataset = openDataset(request, {
        format: formatFor(c, request),
        isSample,
        fallbackSeed: seedFrom(paid.seedBytes ?? deps.randomBytes(8)),
        settle: (reactions, isWhole) => settle({ apiCalls: 1, reactions }, isWhole),
        // A client that stops reading and leaves is told of by the request's signal alone.
        signal: AbortSignal.any([c.req.raw.signal, paid.endsBy]),
      })
      return c.body(dataset.body, 200, {
        'Content-Type': dataset.contentType,
        'Content-Disposition': `attachment; filename="${dataset.filename}"`,
        'Cache-Control': 'no-store',
        Vary: 'Accept',
        'X-Dataset-Seed': String(dataset.seed),
        'X-Dataset-Algorithm': dataset.algorithm,
      })
    })
    .post('/estimate', async (c) => {
      const request = await validJson(c, datasetRequest)
      return c.json(estimateOf(c, request))
    })
    .get('/', (c) => c.json({ dataset_types: DATASET_TYPES.map(summaryOf) }))
  for (const name of DATASET_TYPES) routes.get(`/${name}`, (c) => c.json(describeType(name)))
  return routes
}

async function costOfRequest(c: AppContext): Promise<Units> {
  const request = await validJson(c, datasetRequest)
  c.set('datasetRequest', request)
  return { apiCalls: 1, reactions: reactionsReserved(request) }
}

/** The body's, or the first that the caller accepts, or the type's own. */
function formatFor(c: AppContext, { dataset_type, format }: DatasetRequest): Format {
  if (format) return format
  const { formats } = datasetTypeOf(dataset_type)
  const byMediaType = new Map(formats.map((each) => [mediaTypeOf(each), each]))
  const accepted = accepts(c, {
    header: 'Accept',
    supports: [...byMediaType.keys()],
    default: mediaTypeOf(formats[0]),
  })
  return byMediaType.get(accepted) ?? formats[0]
}

const mediaTypeOf = (format: Format) => CONTENT_TYPES[format].split(';', 1)[0] ?? ''

/** What a request may cost at most, and which plans it is for. */
function estimateOf(c: AppContext, request: DatasetRequest) {
  const reactions = reactionsReserved(request)
  return {
    ...request,
    format: formatFor(c, request),
    cost: { api_calls: 1, reactions_at_most: reactions },
    plans: TIERS.map((tier) => {
      const { quotas } = PLANS[tier]
      const errors = excessesOf(request, tier)
      if (reactions > quotas.reactions) {
        errors.push({
          path: 'params',
          message: `more reactions than the plan ${tier} has in a month`,
        })
      }
      return { tier, allowed: errors.length === 0, reactions_quota: quotas.reactions, errors }
    }),
  }
}

function summaryOf(name: (typeof DATASET_TYPES)[number]) {
  const { card, formats, algorithm } = datasetTypeOf(name)
  return { dataset_type: name, title: card.title, summary: card.summary, formats, algorithm }
}
