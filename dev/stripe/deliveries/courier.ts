// Makes one attempt: prints the event for the endpoint, signs, sends within the time limit.
import type { Stripe } from 'stripe'
import type { Simulator } from '../simulator.ts'
import type { Attempt } from './log.ts'
import { send } from './send.ts'
import type { TimerSet } from './timers.ts'

export type CourierSource = Pick<Simulator, 'renderEvent' | 'signingSecret' | 'data'>

export class Courier {
  private readonly source: CourierSource
  private readonly now: () => Date
  private readonly timers: TimerSet
  private readonly requests = new Map<AbortController, Promise<unknown>>()

  constructor(source: CourierSource, now: () => Date, timers: TimerSet) {
    this.source = source
    this.now = now
    this.timers = timers
  }

  /** Never rejects: an event that cannot be printed is a failed attempt that says why. */
  async attempt(
    eventId: string,
    endpoint: Stripe.WebhookEndpoint,
    timeoutMs: number,
  ): Promise<Attempt> {
    const sentAt = this.now()
    try {
      const body = this.print(eventId, endpoint)
      const secret = this.source.signingSecret(endpoint.id)
      return await this.withLimit(timeoutMs, (signal) =>
        send({ url: endpoint.url, body, secret, sentAt, signal }),
      )
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      return {
        at: sentAt.getTime(),
        durationMs: 0,
        status: null,
        responseBody: '',
        error: `not sent: ${message}`,
      }
    }
  }

  /** Ends what is on its way; resolves when it has ended. */
  async abortAll(): Promise<void> {
    const ending = [...this.requests.values()]
    for (const request of this.requests.keys()) {
      request.abort(new Error('the simulator was closed'))
    }
    await Promise.allSettled(ending)
  }

  /** Printed at each attempt, as its `pending_webhooks` counts down in between. */
  private print(eventId: string, endpoint: Stripe.WebhookEndpoint): string {
    const event = this.source.data.events.get(eventId)
    if (!event) throw new Error(`event ${eventId} is no longer in the store`)
    return JSON.stringify(this.source.renderEvent(event, endpoint.api_version), null, 2)
  }

  private async withLimit<T>(ms: number, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const request = new AbortController()
    const late = new Error(`no complete answer within ${ms} ms`)
    const clearLimit = this.timers.after(ms, () => request.abort(late))
    const running = run(request.signal)
    this.requests.set(request, running)
    try {
      return await running
    } finally {
      this.requests.delete(request)
      clearLimit()
    }
  }
}
