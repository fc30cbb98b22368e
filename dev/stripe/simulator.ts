// The Stripe simulator as its users see it: the API, the store, and what a person does on Stripe's pages.
import type { Hono } from 'hono'
import type { Stripe } from 'stripe'
import type { DisputeOutcome, DisputeReason } from './billing/disputes.ts'
import type { RefundOrder } from './billing/refunds.ts'
import type { ByHand } from './billing/subscribe-by-hand.ts'
import type { RequestsInProgress } from './requests-in-progress.ts'
import type { Store } from './store.ts'

export interface SimulatorOptions {
  /** `sk_test_…`: the only key that may call the API. */
  secretKey: string
  /** `pk_test_…`: known, and refused by the API with Stripe's words. */
  publishableKey: string
  /** The wall clock in milliseconds. Default: `Date.now`. */
  now?: () => number
  /** JSON that survives restarts. Written atomically, a moment after a change and on `close()`. */
  stateFile?: string
  /** Where the pages are served, for the URLs in objects: an origin without a slash at the end. */
  baseUrl: () => string
  /** What becomes of a subscription whose last retry failed. Default `cancel`. */
  afterLastRetry?: 'cancel' | 'mark_unpaid' | 'leave_past_due'
}

/** A card as a person types it. `number` may hold spaces. */
export interface CardEntry {
  number: string
  expMonth: number
  expYear: number
  cvc: string
}

/** Refused, in Stripe's terms: `code` as `card_declined`, `incorrect_number`, `invalid_expiry_year`. */
export interface Refusal {
  ok: false
  code: string
  declineCode?: string
  /** Fit to be shown to the person. */
  message: string
}

export type ProrationBehavior = 'always_invoice' | 'create_prorations' | 'none'

export type Outcome = { ok: true } | Refusal

/** What Checkout asks for beside the card; `email` only when the session has no customer. */
export interface BuyerDetails {
  email?: string
  name?: string
  /** The buyer has been through 3-D Secure, after a refusal with `code: 'authentication_required'`. */
  authenticated?: boolean
}

/**
 * Every method is synchronous and atomic. An unknown id throws `StripeError` (errors.ts) with
 * `code: 'resource_missing'`; what a person may meet (a declined card) is a `Refusal`.
 */
export interface Simulator {
  /** Serves `/v1/…`. */
  readonly api: Hono
  /** Orders trouble for requests to come: an endpoint that fails, a key that stays in progress. */
  readonly inProgress: RequestsInProgress
  /** The objects. Read them freely; change them only through the methods below or the API. */
  readonly data: Store

  /**
   * Called for each event once the request (or step of the clock) that made it is done, in order.
   * An error in a listener does not reach the API.
   */
  onEvent(listener: (event: Stripe.Event) => void): void
  /** The event as that API version prints it, `api_version` included. Default: the account's version. */
  renderEvent(event: Stripe.Event, apiVersion?: string | null): object
  /** The enabled endpoints that asked for this kind of event. */
  endpointsFor(event: Stripe.Event): Stripe.WebhookEndpoint[]
  /** `whsec_…` of an endpoint. */
  signingSecret(endpointId: string): string
  /** How many deliveries of an event are still outstanding: shown as `pending_webhooks`. */
  setPendingWebhooks(eventId: string, count: number): void

  /** Pays an open Checkout session; by null where it asks for no card. `redirectTo` is the success URL with the session's id in it. */
  payCheckout(
    sessionId: string,
    card: CardEntry | null,
    buyer?: BuyerDetails,
  ): { ok: true; redirectTo: string } | Refusal
  /** Moves a subscription to another price as the portal does. Default: proration is invoiced at once. */
  changePlan(subscriptionId: string, priceId: string, proration?: ProrationBehavior): Outcome
  /** As the portal does under flexible billing: sets `cancel_at`, leaves `cancel_at_period_end` false. */
  cancelAtPeriodEnd(subscriptionId: string): void
  /** Takes a scheduled cancellation back. */
  resume(subscriptionId: string): void
  /** Default: nothing is credited. */
  cancelNow(subscriptionId: string, proration?: ProrationBehavior): void
  /** Attaches a card, makes it the customer's default and that of its subscriptions. */
  setCard(customerId: string, card: CardEntry): Outcome
  /** Sets `pause_collection`; the status stays. `resumesAt` in Unix seconds. */
  pauseCollection(
    subscriptionId: string,
    behavior?: Stripe.Subscription.PauseCollection.Behavior,
    resumesAt?: number,
  ): void
  unpauseCollection(subscriptionId: string): void
  /** Status `paused`: nothing is billed until `unpause`. */
  pause(subscriptionId: string): void
  /** From status `paused` back to `active`, by an invoice for a new period. */
  unpause(subscriptionId: string): Outcome

  /** The customer's time in Unix seconds. */
  customerNow(customerId: string): number
  /** Moves the customer's clock forward; everything due until then happens in order. */
  advanceCustomer(customerId: string, toUnixSeconds: number): void
  /** When the customer's next subscription period begins (or trial ends), or null. */
  nextRenewal(customerId: string): number | null
  /** The next charge of this customer is declined, whatever the card. */
  failNextPayment(customerId: string): void
  /** Tries to collect an open invoice now, with the customer's default card or the given one. */
  payInvoice(invoiceId: string, card?: CardEntry): Outcome
  /** Makes a subscription as the dashboard does; it is `incomplete` when the card was refused. */
  subscribe(
    customerId: string,
    priceId: string,
    terms?: ByHand,
  ): { ok: true; subscription: string } | Refusal
  /** Ends what runs for them at once. */
  deleteCustomer(customerId: string): void
  /** Gives back what is left of a charge, or a part. @returns the refund's id. @throws StripeError */
  refundCharge(chargeId: string, order?: RefundOrder): string
  /** The cardholder disputes a charge. Default: as fraudulent. @returns the dispute's id. @throws StripeError */
  openDispute(chargeId: string, reason?: DisputeReason): string
  /** The bank decides. @throws StripeError when the dispute is closed already */
  closeDispute(disputeId: string, outcome: DisputeOutcome): void

  /** Does what has become due as wall time passed. The stack may call it each second. */
  tick(): void
  /** Writes the state file. */
  close(): Promise<void>
}
