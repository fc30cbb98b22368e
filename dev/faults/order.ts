// What a test may order: which requests a fault meets, and what becomes of them.
import { z } from 'zod'

const faultSchema = z.discriminatedUnion('kind', [
  /** Answered in the app's place. */
  z.strictObject({
    kind: z.literal('status'),
    status: z.int().min(200).max(599),
    body: z.string().optional(),
    contentType: z.string().optional(),
  }),
  /** Never carried out, never answered. */
  z.strictObject({ kind: z.literal('hang') }),
  /** Never carried out; the connection is reset. */
  z.strictObject({ kind: z.literal('reset') }),
  /** Carried out; the connection breaks before the answer. */
  z.strictObject({ kind: z.literal('lose-answer') }),
  /** Delayed on its way until released: then carried out, even if the client has gone meanwhile. */
  z.strictObject({ kind: z.literal('hold') }),
  /** Carried out; a whole HTTP answer with half of the body, so that an object of JSON does not parse. */
  z.strictObject({ kind: z.literal('truncate') }),
  /** Carried out; the length of the whole body is announced, and the connection breaks after half of it. */
  z.strictObject({ kind: z.literal('break-off') }),
  /** Carried out at once; the answer begins that much later than it would. */
  z.strictObject({ kind: z.literal('slow'), afterMs: z.number().min(0).max(60_000) }),
])

export const orderSchema = z.strictObject({
  match: z.strictObject({
    method: z.string().toUpperCase().optional(),
    path: z.string().startsWith('/').optional(),
    bodyIncludes: z.string().min(1).optional(),
  }),
  fault: faultSchema,
  times: z.int().positive().optional(),
})

/** The body of `POST /_faults`. */
export type FaultOrder = z.input<typeof orderSchema>

/** An order that was read. */
export type ParsedOrder = z.output<typeof orderSchema>
