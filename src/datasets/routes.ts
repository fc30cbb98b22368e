// POST /datasets/generate: the product. The paywall reserves what it may cost; the stream's end books what it cost.
import { Hono } from 'hono'
import type { AppContext, AppEnv, Guard } from '../context.ts'
import type { Units } from '../data/units.ts'
import { validJson } from '../validate.ts'
import { datasetRequest, reactionsReserved } from './params.ts'
import { seedFrom } from './random.ts'
import { datasetStream } from './stream.ts'

/** What a test key is answered with, whatever it asks for: the same few reactions each time, so nothing to be had. */
const SAMPLE = {
  runs: 2,
  max_reactions: 5,
  temperature_kelvin: 298.15,
  seed: 1,
  scenario: 'miller_urey',
} as const

/** `paywall` makes a guard that reserves what `costOf` says. */
export function datasetRoutes(
  paywall: (costOf: (c: AppContext) => Promise<Units>) => Guard,
): Hono<AppEnv> {
  return new Hono<AppEnv>().post('/generate', paywall(costOfRequest), (c) => {
    const { deps, paid, datasetRequest } = c.var
    const settle = paid.settleLater()
    const isSample = paid.mode === 'test'
    const request = isSample ? { ...datasetRequest, params: SAMPLE } : datasetRequest
    const dataset = datasetStream(request, {
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
      'X-Dataset-Seed': String(dataset.seed),
      'X-Dataset-Algorithm': dataset.algorithm,
    })
  })
}

async function costOfRequest(c: AppContext): Promise<Units> {
  const request = await validJson(c, datasetRequest)
  c.set('datasetRequest', request)
  return { apiCalls: 1, reactions: reactionsReserved(request) }
}
