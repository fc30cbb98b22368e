// What the control API accepts, and how it says no.
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import { StripeError } from '../errors.ts'
import type { Refusal } from '../simulator.ts'

export const paySchema = z.strictObject({
  card: z.string().min(1),
  exp_month: z.number().int().min(1).max(12).default(12),
  exp_year: z.number().int().min(0).max(9999).default(2034),
  cvc: z.string().default('123'),
  email: z.string().optional(),
  name: z.string().optional(),
})

export const advanceSchema = z.strictObject({
  to: z.union([
    z.literal('renewal'),
    z.literal('period_end'),
    z.number().int().positive(),
    z.strictObject({ days: z.number().positive().max(3660) }),
  ]),
})

export const changePlanSchema = z.strictObject({ price: z.string().min(1) })

export const pauseCollectionSchema = z.strictObject({
  behavior: z.enum(['keep_as_draft', 'mark_uncollectible', 'void']).default('void'),
  resumes_at: z.number().int().positive().optional(),
})

export const resendSchema = z.strictObject({ endpoint: z.string().min(1).optional() })

export const endpointSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  enabled_events: z.array(z.string().min(1)).min(1).optional(),
})

const requestPath = z.string().startsWith('/v1/')

export const nextErrorSchema = z.strictObject({
  path: requestPath,
  status: z.union([z.literal(429), z.literal(500)]),
  bodyIncludes: z.string().min(1).optional(),
  stored: z.boolean(),
})

export const holdSchema = z.strictObject({
  path: requestPath.optional(),
  bodyIncludes: z.string().min(1),
})

/** Refused by the control API: `{error: {code, message, …}}` with that status. */
export class ControlError extends Error {
  override name = 'ControlError'
  readonly status: ContentfulStatusCode
  readonly code: string
  readonly more: Record<string, unknown>

  constructor(
    status: ContentfulStatusCode,
    code: string,
    message: string,
    more: Record<string, unknown> = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.more = more
  }
}

/** What a person's card was refused for, as 402. */
export function refusalError({ code, declineCode, message }: Refusal): ControlError {
  return new ControlError(402, code, message, declineCode ? { decline_code: declineCode } : {})
}

/** The JSON body as the schema has it; an absent body counts as `{}`. */
export async function readBody<T extends z.ZodType>(c: Context, schema: T): Promise<z.infer<T>> {
  const text = await c.req.text()
  const parsed = schema.safeParse(text.trim() === '' ? {} : parseJson(text))
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
  const first = errors.map(({ path, message }) => (path ? `${path}: ${message}` : message))
  throw new ControlError(422, 'invalid_request', first.join('; '), { errors })
}

/** Turns whatever was thrown into an answer. */
export function answerError(error: Error, c: Context): Response {
  if (error instanceof ControlError) {
    const { status, code, message, more } = error
    return c.json({ error: { code, message, ...more } }, status)
  }
  if (error instanceof StripeError) {
    const code = error.code ?? 'invalid_request'
    const status = code === 'resource_missing' ? 404 : (error.status as ContentfulStatusCode)
    return c.json({ error: { code, message: error.message } }, status)
  }
  console.error(error)
  return c.json({ error: { code: 'internal', message: error.message } }, 500)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ControlError(400, 'malformed_json', 'The body is not JSON.')
  }
}
