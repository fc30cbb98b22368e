// Is it from Stripe, and is it an event? Nothing is believed before both.
import Stripe from 'stripe'
import * as z from 'zod'
import type { Deps } from '../context.ts'

/** Stripe's own default: older signatures are replays. 0 would switch the check off. */
const TOLERANCE_SECONDS = 300

const eventShape = z.object({
  id: z.string().regex(/^evt_\w+$/),
  object: z.literal('event'),
  type: z.string().min(1),
  api_version: z.string().nullish(),
  created: z.int().nonnegative(),
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
  if (!signature) return { kind: 'invalid_signature' }
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
    if (error instanceof SyntaxError) return { kind: 'malformed_event' }
    throw error
  }
}
