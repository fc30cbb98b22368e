// The catalogue of errors as schemas: one for each code, so that a client can switch on it.
import * as z from 'zod/mini'
import { CATALOGUE, type ProblemCode } from '../../src/problem.ts'
import { JSON_LIMIT_BYTES } from '../../src/validate.ts'
import { count, instant, link, list, prose, tier, word } from './fields.ts'
import { plans } from './operations/billing.ts'
import { answer, referenceTo, tell } from './registry.ts'

/** Text that may name what was sent, whatever that was: a body has 64 KiB. */
const echo = (description: string) =>
  tell(z.string().check(z.maxLength(2 * JSON_LIMIT_BYTES)), { description })

const errors = (about: string) =>
  list(
    z.object({
      path: z.optional(echo('Where it is, with dots; empty for the whole body.')),
      message: echo('What is wrong.'),
    }),
    1_000,
    about,
  )
const call = (body: z.ZodMiniType, about: string) =>
  tell(z.object({ method: z.literal('POST'), url: link('Of the call.'), body }), {
    description: about,
  })
const portal = call(
  z.object({ return_url: link('Where the browser comes back to.') }),
  'The call that opens the portal.',
)
const checkout = call(
  z.object({
    tier: tier('The plan to buy.'),
    success_url: link('After the payment.'),
    cancel_url: link('Without one.'),
  }),
  'The call that opens Checkout.',
)

/** Members beside those that each problem has (RFC 9457, 3.2). */
const MEMBERS: Partial<Record<ProblemCode, z.core.$ZodShape>> = {
  invalid_request: { errors: errors('Every field that is wrong.') },
  misconfigured: { errors: errors('Every variable that is wrong.') },
  subscription_required: { plans, checkout },
  payment_past_due: { plans, checkout, portal },
  subscription_paused: { plans, checkout, portal },
  already_subscribed: { portal },
  too_many_keys: { limit: count('The most that the account may have.') },
  quota_exceeded: {
    unit: tell(z.enum(['api_calls', 'reactions']), { description: 'Of which there are too few.' }),
    quota: count('In the window.'),
    used: count('Used, or held by calls that run.'),
    cost: count('Of this call, at most.'),
    resets_at: instant('When the quota is whole again.'),
  },
}

export const CODES = Object.keys(CATALOGUE) as readonly ProblemCode[]

const components = new Map(
  CODES.map((code) => {
    const { status, title } = CATALOGUE[code]
    const schema = z.object({
      type: z.literal(`urn:tollgate:problem:${code}`),
      title: z.literal(title),
      status: z.literal(status),
      detail: prose('What to do about it, for people.'),
      code: z.literal(code),
      request_id: word('The X-Request-Id of the answer.'),
      ...MEMBERS[code],
    })
    const name = code.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())
    return [code, answer(`${name}Problem`, schema)]
  }),
)

export const statusOf = (code: ProblemCode): number => CATALOGUE[code].status

/** Of an answer that may be any of `codes`, which share a status. */
export function problemSchema(codes: readonly ProblemCode[]): object {
  const references = codes.map((code) => referenceTo(components.get(code)?.id ?? ''))
  if (references.length === 1) return { $ref: references[0] }
  return {
    oneOf: references.map(($ref) => ({ $ref })),
    discriminator: {
      propertyName: 'code',
      mapping: Object.fromEntries(codes.map((code, i) => [code, references[i]])),
    },
  }
}

/** What each of them is called, as a list for people. */
export function problemText(codes: readonly ProblemCode[]): string {
  return codes.map((code) => `${code}: ${CATALOGUE[code].title}.`).join(' ')
}
