// Stripe's error bodies: the types, codes and sentences that its clients know.

export type ErrorType =
  | 'api_error'
  | 'card_error'
  | 'idempotency_error'
  | 'invalid_request_error'
  | 'authentication_error'

export interface ErrorFields {
  type?: ErrorType
  code?: string
  param?: string
  declineCode?: string
  adviceCode?: string
  charge?: string
  /** The whole object, as Stripe sends it with a declined payment. */
  paymentIntent?: object
  paymentMethod?: object
}

/** What the API answers instead of an object. Thrown anywhere below the routes. */
export class StripeError extends Error {
  override name = 'StripeError'
  readonly status: number
  readonly fields: ErrorFields

  constructor(status: number, message: string, fields: ErrorFields = {}) {
    super(message)
    this.status = status
    this.fields = fields
  }

  get code(): string | undefined {
    return this.fields.code
  }

  /** `{error: {…}}` for a request with that id. */
  body(requestId: string): { error: Record<string, unknown> } {
    const { type = 'invalid_request_error', code, param, declineCode, adviceCode } = this.fields
    const { charge, paymentIntent, paymentMethod } = this.fields
    return {
      error: {
        ...(adviceCode && { advice_code: adviceCode }),
        ...(charge && { charge }),
        ...(code && { code }),
        ...(declineCode && { decline_code: declineCode }),
        ...(code && {
          doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}`,
        }),
        message: this.message,
        ...(param && { param }),
        ...(paymentIntent && { payment_intent: paymentIntent }),
        ...(paymentMethod && { payment_method: paymentMethod }),
        request_log_url: `https://dashboard.stripe.com/test/logs/${requestId}`,
        type,
      },
    }
  }
}

/** 400 with a code and, mostly, the parameter at fault. */
export function invalid(message: string, fields: ErrorFields = {}): StripeError {
  return new StripeError(400, message, fields)
}

/** Where an id stood: in the URL, under the name that Stripe has for that place (mostly `id`). */
export interface InPath {
  path: string
}

/**
 * An id that names nothing.
 * @param param the parameter: 400. A place in the URL, which `id` is too: 404.
 */
export function missing(kind: string, id: string, param: string | InPath): StripeError {
  const inPath = typeof param !== 'string' || param === 'id'
  return new StripeError(inPath ? 404 : 400, `No such ${kind}: '${id}'`, {
    code: 'resource_missing',
    param: typeof param === 'string' ? param : param.path,
  })
}
