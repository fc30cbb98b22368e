// What can be turned while it runs: how late, how often and in which order webhooks arrive.
import { z } from 'zod'
import { ORDERS } from './order.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

const milliseconds = z.number().int().min(0).max(DAY_MS)

/** All knobs. A change may name any of them. */
export const knobsSchema = z.strictObject({
  /** Pause before the first attempt. */
  delayMs: milliseconds,
  /** How many times each event goes to each endpoint. */
  repeat: z.number().int().min(1).max(20),
  /** Other than `created`: events gather for `windowMs`, then leave one after another in this order. */
  order: z.enum(ORDERS),
  windowMs: milliseconds,
  /** Of `shuffled`. */
  seed: z.number().int().min(0).max(0xffffffff),
  /** Collect and send nothing until a flush. Switching it off sends what was collected. */
  hold: z.boolean(),
  /** One pause before each retry; as many retries as there are pauses. */
  retryPausesMs: z.array(milliseconds).max(20),
  /** Time limit of one attempt. */
  timeoutMs: z.number().int().min(1).max(DAY_MS),
})

export type Knobs = z.infer<typeof knobsSchema>

/** Any of the knobs. */
export const knobsChangeSchema = knobsSchema.partial()
export type KnobsChange = z.infer<typeof knobsChangeSchema>

/** In the spirit of Stripe's test mode: three more tries over a few hours, 20 seconds for each. */
export const DEFAULT_KNOBS: Knobs = {
  delayMs: 0,
  repeat: 1,
  order: 'created',
  windowMs: 500,
  seed: 1,
  hold: false,
  retryPausesMs: [5 * MINUTE_MS, 30 * MINUTE_MS, 150 * MINUTE_MS],
  timeoutMs: 20_000,
}
