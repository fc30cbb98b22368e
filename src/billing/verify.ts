// Is it from Stripe, and is it an event? Nothing is believed before both.
import Stripe from 'stripe'
import * as z from 'zod/mini'
import type { Deps } from '../context.ts'

/** Stripe's own default: older signatures are replays. 0 would switch the check off. */
const TOLERANCE_SECONDS = 300

/** The end of the year 9999: what Postgres and ISO 8601 can still write with four digits. */
const LATEST_SECONDS = 253_402_300_799

/** An event as far as it is read. */
export const eventShape = z.object({
  id: z.string().check(z.regex(/^evt_\w{1,250}$/)),
  object: z.literal('event'),
  type: z.string().check(z.regex(/^[\w.]{1,100}$/)),
  api_version: z.nullish(z.string().check(z.regex(/^[\w.-]{1,50}$/))),
  created: z.int().check(z.nonnegative(), z.maximum(LATEST_SECONDS)),
  data: z.object({ object: z.record(z.string(), z.unknown()) }),
})

/** The parts of an event that we read; its object may be of any API version. */
export type StripeEvent = z.infer<typeof eventShape>

export type Verification =
  | { kind: 'event'; event: StripeEvent }
  | { kind: 'invalid_signature' }
  | { kind: 'malformed_event' }

/** `payload` is the body byte for byte: the signature covers it. */
export async function verifyEvent(
  { stripe, config, now }: Pick<Deps, 'stripe' | 'config' | 'now'>,
  payload: string,
  signature: string | undefined,
): Promise<Verification> {
  if (!signature || !isTimed(signature, now())) return { kind: 'invalid_signature' }
  try {
    const event: unknown = await stripe.webhooks.constructEventAsync(
      payload,
      signature,
      config.stripe.webhookSecret,
      TOLERANCE_SECONDS,
      undefined,
      now().getTime(),
    )
    const parsed = eventShape.safeParse(event)
    return parsed.success ? { kind: 'event', event: parsed.data } : { kind: 'malformed_event' }
  } catch (error) {
    if (error instanceof Stripe.errors.StripeSignatureVerificationError) {
      return { kind: 'invalid_signature' }
    }
    // No JSON, or an event of another kind (v2's thin ones), for which stripe-node throws a plain Error.
    if (!(error instanceof Stripe.errors.StripeError)) return { kind: 'malformed_event' }
    throw error
  }
}

/** Signed once, at a number, and not in the future: stripe-node takes what is no number, or lies ahead, for fresh. */
function isTimed(signature: string, now: Date): boolean {
  const [time, ...others] = signature.split(',').filter((part) => part.startsWith('t='))
  if (!time || others.length > 0) return false
  return Number(time.slice(2)) <= now.getTime() / 1000 + TOLERANCE_SECONDS
}
