// Idempotency keys: the same request twice is answered once.

/** The first answer to a POST with an `Idempotency-Key`, kept for 24 hours. */
export interface StoredAnswer {
  /** Method, path and decoded parameters: what must be the same the second time. */
  fingerprint: string
  status: number
  body: string
  requestId: string
  /** Unix seconds of the wall clock. */
  storedAt: number
}
