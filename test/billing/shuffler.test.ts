// Lives at Stripe, and their events shuffled: late, twice, at once, in an old shape, to a Worker that dies between its
// writes. Whatever happened, we end up with what Stripe shows. A failing run prints its seed, its path and the shortest
// life that fails. `SHUFFLER_LIVES=5000` shuffles more of them, `SHUFFLER_SEED` and `SHUFFLER_PATH` repeat one.
import { env } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { subscriptions, users } from '../../src/data/schema.ts'
import { testApp, unique } from '../support/app.ts'
import { standAtTheEdge } from '../support/shuffler/edge.ts'
import type { Elsewhere } from '../support/shuffler/life.ts'
import { live } from '../support/shuffler/run.ts'
import { script } from '../support/shuffler/script.ts'

const knobs = env as unknown as Record<'SHUFFLER_LIVES' | 'SHUFFLER_SEED' | 'SHUFFLER_PATH', string>
const lives = Number(knobs.SHUFFLER_LIVES || 200)
/** Lives that are led at the same time. */
const LANES = 4
/** How long a failing life is made shorter. */
const SHRINK_MS = 40_000

const leave = standAtTheEdge()
afterAll(leave)
// Its clients keep the `fetch` that they find. workerd lets 10,000 timers run at once: their time limits are short.
const { deps } = testApp({ DATABASE_TIMEOUT_MS: '5000', REDIS_TIMEOUT_MS: '5000' })
const elsewhere: Elsewhere = { unknownPrice: '', otherProduct: '', decoy: crypto.randomUUID() }

beforeAll(async () => {
  const price = (name: string) =>
    deps.stripe.prices.create({
      currency: 'usd',
      unit_amount: 700,
      recurring: { interval: 'month' },
      product_data: { name },
    })
  elsewhere.unknownPrice = (await price('A plan of last year')).id
  elsewhere.otherProduct = (await price('A mug a month')).id
  await deps.db.insert(users).values({
    id: elsewhere.decoy,
    email: `${unique('decoy')}@example.com`,
    passwordHash: 'none',
    tier: 'hobby',
    createdAt: new Date(),
  })
})

/** @returns the report of a failure, or undefined */
async function shuffle(seed: number, numRuns: number, path?: string): Promise<string | undefined> {
  const started = Date.now()
  let failedAt: number | undefined
  const property = fc.asyncProperty(script, async (each) => {
    if (failedAt !== undefined && Date.now() - failedAt > SHRINK_MS) return
    try {
      await live(deps, elsewhere, each)
    } catch (error) {
      failedAt ??= Date.now()
      throw error
    }
  })
  const run = await fc.check(property, { seed, numRuns, unbiased: true, ...(path && { path }) })
  if (!run.failed) return undefined
  const { counterexamplePath, errorInstance, numRuns: life, numShrinks } = run
  const message = errorInstance instanceof Error ? errorInstance.message : String(errorInstance)
  return [
    `Life ${life} of seed ${seed} failed; made shorter ${numShrinks} times in ${Date.now() - started} ms. Repeat it:`,
    `SHUFFLER_SEED=${seed} SHUFFLER_PATH=${counterexamplePath}`,
    message,
  ].join('\n')
}

test('whatever becomes of Stripe’s events, we end up with what Stripe shows', async () => {
  const first = Number(knobs.SHUFFLER_SEED || crypto.getRandomValues(new Uint32Array(1))[0]) | 0
  const isRepeated = knobs.SHUFFLER_PATH !== ''
  const lanes = isRepeated ? 1 : LANES
  const reports = await Promise.all(
    Array.from({ length: lanes }, (_, lane) =>
      shuffle(first + lane, Math.ceil(lives / lanes), knobs.SHUFFLER_PATH),
    ),
  )
  const failures = reports.filter((report) => report !== undefined)
  if (failures.length > 0) expect.fail(failures.join('\n\n'))
  const foreign = await deps.db
    .select()
    .from(subscriptions)
    .where(eq(subscriptions.userId, elsewhere.decoy))
  expect(foreign, 'of an account that metadata alone names').toEqual([])
}, 600_000)
