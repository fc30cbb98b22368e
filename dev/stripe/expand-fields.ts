// Which properties of which object can be expanded, and to what.

export type Kind =
  | 'account'
  | 'billing_portal.configuration'
  | 'billing_portal.session'
  | 'charge'
  | 'checkout.session'
  | 'confirmation_secret'
  | 'customer'
  | 'discount'
  | 'dispute'
  | 'event'
  | 'invoice'
  | 'invoice_payment'
  | 'invoiceitem'
  | 'item'
  | 'line_item'
  | 'payment_intent'
  | 'payment_method'
  | 'plan'
  | 'portal_products'
  | 'price'
  | 'product'
  | 'refund'
  | 'setup_intent'
  | 'subscription'
  | 'subscription_item'
  | 'subscription_schedule'
  | 'test_helpers.test_clock'
  | 'webhook_endpoint'

export interface ExpandableField {
  to: Kind
  /**
   * `id`: printed as an id, replaced by the object. `inline`: always an object, passed through.
   * `on_request`: absent unless expanded. `list` marks a list of such objects.
   */
  as: 'id' | 'inline' | 'on_request'
  list?: true
  /** Exists only in the shape of before basil. */
  legacy?: true
}

const id = (to: Kind): ExpandableField => ({ to, as: 'id' })
const legacyId = (to: Kind): ExpandableField => ({ to, as: 'id', legacy: true })
const inline = (to: Kind): ExpandableField => ({ to, as: 'inline' })
const inlineList = (to: Kind): ExpandableField => ({ to, as: 'inline', list: true })
const listOnRequest = (to: Kind): ExpandableField => ({ to, as: 'on_request', list: true })

/** By kind of object, by the path of the property inside it. */
export const EXPANDABLE: Record<Kind, Record<string, ExpandableField>> = {
  account: {},
  'billing_portal.configuration': {
    'features.subscription_update.products': { to: 'portal_products', as: 'on_request' },
  },
  'billing_portal.session': { configuration: id('billing_portal.configuration') },
  charge: {
    customer: id('customer'),
    invoice: legacyId('invoice'),
    payment_intent: id('payment_intent'),
    refunds: listOnRequest('refund'),
  },
  'checkout.session': {
    customer: id('customer'),
    invoice: id('invoice'),
    line_items: listOnRequest('item'),
    payment_intent: id('payment_intent'),
    subscription: id('subscription'),
  },
  confirmation_secret: {},
  customer: {
    'invoice_settings.default_payment_method': id('payment_method'),
    subscriptions: listOnRequest('subscription'),
    test_clock: id('test_helpers.test_clock'),
  },
  discount: {},
  dispute: { charge: id('charge'), payment_intent: id('payment_intent') },
  event: {},
  invoice: {
    charge: legacyId('charge'),
    confirmation_secret: { to: 'confirmation_secret', as: 'on_request' },
    customer: id('customer'),
    default_payment_method: id('payment_method'),
    discounts: id('discount'),
    lines: inlineList('line_item'),
    'parent.subscription_details.subscription': id('subscription'),
    payment_intent: legacyId('payment_intent'),
    payments: listOnRequest('invoice_payment'),
    subscription: legacyId('subscription'),
    test_clock: id('test_helpers.test_clock'),
  },
  invoice_payment: {
    invoice: id('invoice'),
    'payment.charge': id('charge'),
    'payment.payment_intent': id('payment_intent'),
  },
  invoiceitem: {
    customer: id('customer'),
    invoice: id('invoice'),
    'pricing.price_details.price': id('price'),
  },
  item: { price: inline('price') },
  line_item: {
    price: { ...inline('price'), legacy: true },
    'pricing.price_details.price': id('price'),
    subscription: id('subscription'),
  },
  payment_intent: {
    customer: id('customer'),
    invoice: legacyId('invoice'),
    latest_charge: id('charge'),
    payment_method: id('payment_method'),
  },
  payment_method: { customer: id('customer') },
  plan: { product: id('product') },
  portal_products: {},
  price: { product: id('product') },
  product: { default_price: id('price') },
  refund: {
    charge: id('charge'),
    payment_intent: id('payment_intent'),
    payment_method: id('payment_method'),
  },
  setup_intent: {},
  subscription: {
    customer: id('customer'),
    default_payment_method: id('payment_method'),
    discounts: id('discount'),
    items: inlineList('subscription_item'),
    latest_invoice: id('invoice'),
    pending_setup_intent: id('setup_intent'),
    schedule: id('subscription_schedule'),
    test_clock: id('test_helpers.test_clock'),
  },
  subscription_item: { discounts: id('discount'), plan: inline('plan'), price: inline('price') },
  subscription_schedule: {},
  'test_helpers.test_clock': {},
  webhook_endpoint: {},
}
