// What the simulator knows: Stripe's objects by id, and beside them what Stripe keeps to itself.
import type { Stripe } from 'stripe'
import type { CardBehaviour } from './cards.ts'
import type { Period } from './periods.ts'

/** How far a customer's own clock is ahead of the wall clock, in seconds. Test clocks replace it. */
export interface CustomerClock {
  aheadSeconds: number
}

/** What Checkout will make of a session once it is paid; the session object does not show it. */
export interface CheckoutPlan {
  lineItems: Stripe.LineItem[]
  subscriptionMetadata: Record<string, string>
  trialEnd: number | null
  trialPeriodDays: number | null
  missingPaymentMethod: Stripe.Subscription.TrialSettings.EndBehavior.MissingPaymentMethod
  billingMode: 'classic' | 'flexible'
  description: string | null
  /** The intent of earlier, declined tries: the next try confirms the same one. */
  paymentIntent: string | null
}

/** What an item was last billed for: under flexible billing its credits are parts of this. */
export interface Debit {
  price: Stripe.Price
  quantity: number
  amount: number
  period: Period
}

/** What Stripe keeps of a subscription that its object does not show. */
export interface SubscriptionNotes {
  /** The trial end that `trial_will_end` was already sent for. */
  trialWillEndSentFor: number | null
  /** The invoice that a paused subscription waits for, and what its payment decides. */
  resumption: { invoice: string; on: 'attempt' | 'success'; voidsAt: number } | null
  /** By item; absent in what was written before debits were kept. */
  debits?: Record<string, Debit>
}

/** The first answer to a POST with an `Idempotency-Key`, kept for 24 hours. */
export interface StoredAnswer {
  path: string
  /** Decoded, in an order of their own. */
  parameters: string
  status: number
  body: string
  requestId: string
  /** Unix seconds of the wall clock. */
  storedAt: number
}

/** What the simulator holds. All objects are plain JSON, so that the whole can go into a file. */
export interface Store {
  customers: Map<string, Stripe.Customer>
  deletedCustomers: Map<string, Stripe.DeletedCustomer>
  products: Map<string, Stripe.Product>
  prices: Map<string, Stripe.Price>
  paymentMethods: Map<string, Stripe.PaymentMethod>
  checkoutSessions: Map<string, Stripe.Checkout.Session>
  portalSessions: Map<string, Stripe.BillingPortal.Session>
  portalConfigurations: Map<string, Stripe.BillingPortal.Configuration>
  subscriptions: Map<string, Stripe.Subscription>
  invoices: Map<string, Stripe.Invoice>
  invoiceItems: Map<string, Stripe.InvoiceItem>
  invoicePayments: Map<string, Stripe.InvoicePayment>
  paymentIntents: Map<string, Stripe.PaymentIntent>
  charges: Map<string, Stripe.Charge>
  refunds: Map<string, Stripe.Refund>
  disputes: Map<string, Stripe.Dispute>
  /** In the order they happened. */
  events: Map<string, Stripe.Event>
  webhookEndpoints: Map<string, Stripe.WebhookEndpoint>
  testClocks: Map<string, Stripe.TestHelpers.TestClock>

  /** Wall clock, Unix seconds: events are kept for 30 days. */
  eventsWrittenAt: Map<string, number>
  customerClocks: Map<string, CustomerClock>
  cardBehaviours: Map<string, CardBehaviour>
  checkoutPlans: Map<string, CheckoutPlan>
  subscriptionNotes: Map<string, SubscriptionNotes>
  /** Customers whose next charge fails whatever the card: the dashboard's button. */
  failNextPayment: Map<string, true>
  /** Signing secrets by webhook endpoint: Stripe shows them once, at creation. */
  webhookSecrets: Map<string, string>
  idempotency: Map<string, StoredAnswer>
}

const EMPTY = {
  customers: 0,
  deletedCustomers: 0,
  products: 0,
  prices: 0,
  paymentMethods: 0,
  checkoutSessions: 0,
  portalSessions: 0,
  portalConfigurations: 0,
  subscriptions: 0,
  invoices: 0,
  invoiceItems: 0,
  invoicePayments: 0,
  paymentIntents: 0,
  charges: 0,
  refunds: 0,
  disputes: 0,
  events: 0,
  webhookEndpoints: 0,
  testClocks: 0,
  eventsWrittenAt: 0,
  customerClocks: 0,
  cardBehaviours: 0,
  checkoutPlans: 0,
  subscriptionNotes: 0,
  failNextPayment: 0,
  webhookSecrets: 0,
  idempotency: 0,
} as const satisfies Record<keyof Store, 0>

/** The names of the store's maps, in the order in which they are written to the file. */
export const STORE_KEYS = Object.keys(EMPTY) as (keyof Store)[]

/** Builds a store from what `dumpStore` wrote; an empty one from `{}`. */
export function loadStore(dump: Partial<Record<keyof Store, [string, unknown][]>>): Store {
  const maps = STORE_KEYS.map((key) => [key, new Map(dump[key] ?? [])])
  // The file was written by dumpStore, so the entries of each map are of that map's type.
  return Object.fromEntries(maps) as Store
}

/** The store as plain JSON: one list of `[id, object]` for each map. */
export function dumpStore(store: Store): Record<keyof Store, [string, unknown][]> {
  return Object.fromEntries(STORE_KEYS.map((key) => [key, [...store[key]]])) as Record<
    keyof Store,
    [string, unknown][]
  >
}
