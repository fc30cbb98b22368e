// Questions to the store that the pages and the control API both ask.
import type { Stripe } from 'stripe'
import type { Simulator } from '../simulator.ts'

type Data = Pick<Simulator, 'data'>

/** The id of what Stripe may print as an id or, expanded, as the object. */
export function idOf(reference: string | { id?: string }): string {
  return typeof reference === 'string' ? reference : (reference.id ?? '')
}

/** A customer's subscriptions, newest first. */
export function subscriptionsOf({ data }: Data, customerId: string): Stripe.Subscription[] {
  return [...data.subscriptions.values()]
    .filter((subscription) => idOf(subscription.customer) === customerId)
    .reverse()
}

/** When the next renewal comes; a subscription that ends by then has none. */
export function renewsOn(sim: Data, customerId: string): number | null {
  const ends = subscriptionsOf(sim, customerId)
    .filter(({ ended_at }) => ended_at === null)
    .filter(({ status }) => status !== 'paused' && status !== 'incomplete')
    .flatMap(({ items, cancel_at }) => {
      const end = Math.max(...items.data.map((item) => item.current_period_end))
      return cancel_at !== null && cancel_at <= end ? [] : [end]
    })
  return ends.length > 0 ? Math.min(...ends) : null
}

/** A customer's invoices, newest first. */
export function invoicesOf({ data }: Data, customerId: string): Stripe.Invoice[] {
  return [...data.invoices.values()]
    .filter((invoice) => invoice.customer && idOf(invoice.customer) === customerId)
    .reverse()
}

/** The charge that paid an invoice, if one did. */
export function chargeOf({ data }: Data, invoice: Stripe.Invoice): Stripe.Charge | null {
  const payment = [...data.invoicePayments.values()].find((each) => each.invoice === invoice.id)
  const intent = data.paymentIntents.get(idOf(payment?.payment.payment_intent ?? ''))
  const charge = intent?.latest_charge ? data.charges.get(idOf(intent.latest_charge)) : undefined
  return charge?.paid ? charge : null
}

/** The card that the next invoice will be charged to: the newest subscription's, else the customer's. */
export function defaultCardOf(sim: Data, customerId: string): Stripe.PaymentMethod.Card | null {
  const running = subscriptionsOf(sim, customerId).find(({ status }) => status !== 'canceled')
  const customer = sim.data.customers.get(customerId)
  const reference =
    running?.default_payment_method ?? customer?.invoice_settings.default_payment_method
  const method = reference ? sim.data.paymentMethods.get(idOf(reference)) : undefined
  return method?.card ?? null
}

/** Oldest first; of one customer when `customerId` is given. */
export function eventsOf({ data }: Data, customerId?: string): Stripe.Event[] {
  const events = [...data.events.values()]
  return customerId ? events.filter((event) => customerOf({ data }, event) === customerId) : events
}

/** The customer that an event is about, if any. */
export function customerOf({ data }: Data, event: Stripe.Event): string | null {
  const object: EventObject = event.data.object
  if (object.object === 'customer') return object.id ?? null
  if (object.customer) return idOf(object.customer)
  // An invoice's payment names only its invoice, a dispute only its charge.
  const charge = object.charge ? data.charges.get(idOf(object.charge)) : undefined
  if (charge?.customer) return idOf(charge.customer)
  const invoice = object.invoice ? data.invoices.get(idOf(object.invoice)) : undefined
  return invoice?.customer ? idOf(invoice.customer) : null
}

/** What is read of an event's object, whatever its kind. */
interface EventObject {
  object?: string
  id?: string
  customer?: string | { id: string } | null
  invoice?: string | { id?: string } | null
  charge?: string | { id?: string } | null
}

/** The price of a subscription's first item: Tollgate sells one item each. */
export function priceOf(subscription: Stripe.Subscription): Stripe.Price | undefined {
  return subscription.items.data[0]?.price
}

/** What a person calls the plan: the product's name, else the price's nickname or id. */
export function planName({ data }: Data, price: Stripe.Price | undefined): string {
  if (!price) return 'No plan'
  const product = data.products.get(idOf(price.product))
  return product?.name ?? price.nickname ?? price.id
}
