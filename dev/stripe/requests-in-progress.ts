// Ordered trouble at the door of the API: an endpoint that fails, a key whose first request takes long.
import { StripeError } from './errors.ts'
import { newId } from './ids.ts'

/** Which requests are meant: text in the body keeps tests that share a simulator apart. */
export interface RequestMatch {
  /** Of the URL, such as `/v1/customers`; any when absent. */
  path?: string | undefined
  bodyIncludes?: string | undefined
}

export interface NextError extends RequestMatch {
  status: 429 | 500
  /** Whether the endpoint had begun, so that the answer is kept under the idempotency key. */
  stored: boolean
}

export interface Hold {
  id: string
  match: RequestMatch
  /** Requests that are in progress because of it. */
  waiting: number
  /** Resolves as soon as a request waits, or the hold is over. */
  hit: Promise<void>
  release(): void
}

/** A request as far as the door sees it. */
export interface Arrival {
  path: string
  sent: string
  /** The idempotency key of a POST. */
  key: string | undefined
}

/** What is under way by idempotency key, and what the control API has ordered for requests to come. */
export class RequestsInProgress {
  readonly #keys = new Set<string>()
  readonly #errors: NextError[] = []
  readonly #holds = new Map<string, { hold: Hold; over: Promise<void>; hit: () => void }>()

  /** The next request that matches is answered with this error, once. */
  failNext(error: NextError): void {
    this.#errors.push(error)
  }

  /** The error ordered for this request; it is used up. */
  takeError({ path, sent }: Arrival): NextError | undefined {
    const index = this.#errors.findIndex((error) => matches(error, path, sent))
    return index < 0 ? undefined : this.#errors.splice(index, 1)[0]
  }

  /** Requests with a key that match stay in progress until it is released. */
  hold(match: RequestMatch): Hold {
    const over = Promise.withResolvers<void>()
    const hit = Promise.withResolvers<void>()
    const id = newId('hold')
    const release = () => {
      this.#holds.delete(id)
      over.resolve()
      hit.resolve()
    }
    const hold: Hold = { id, match, waiting: 0, hit: hit.promise, release }
    this.#holds.set(id, { hold, over: over.promise, hit: hit.resolve })
    return hold
  }

  findHold(id: string): Hold | undefined {
    return this.#holds.get(id)?.hold
  }

  /**
   * Does the work of a request while its key is taken.
   * @throws StripeError 409 while another request with that key is in progress
   */
  async during<T>(arrival: Arrival, work: () => T): Promise<T> {
    const { key } = arrival
    if (key === undefined) return work()
    if (this.#keys.has(key)) throw inUse(key)
    this.#keys.add(key)
    try {
      await this.#held(arrival)
      return work()
    } finally {
      this.#keys.delete(key)
    }
  }

  async #held({ path, sent }: Arrival): Promise<void> {
    const found = [...this.#holds.values()].find(({ hold }) => matches(hold.match, path, sent))
    if (!found) return
    found.hold.waiting += 1
    found.hit()
    await found.over
  }
}

function matches(match: RequestMatch, path: string, sent: string): boolean {
  if (match.path !== undefined && match.path !== path) return false
  if (match.bodyIncludes === undefined) return true
  // Form-encoded as it arrives; `@` and the like are asked for as a person writes them.
  return sent.includes(match.bodyIncludes) || decoded(sent).includes(match.bodyIncludes)
}

function decoded(sent: string): string {
  return [...new URLSearchParams(sent)].map(([name, value]) => `${name}=${value}`).join('&')
}

function inUse(key: string): StripeError {
  return new StripeError(
    409,
    `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`,
    { type: 'idempotency_error', code: 'idempotency_key_in_use' },
  )
}

/** What an ordered error says. */
export function orderedError(status: NextError['status']): StripeError {
  return status === 429
    ? new StripeError(429, 'Request rate limit exceeded. Learn more about rate limits.', {
        code: 'rate_limit',
      })
    : new StripeError(500, 'An unknown error occurred', { type: 'api_error' })
}
