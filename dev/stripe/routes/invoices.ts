// /v1/invoices
import type { Stripe } from 'stripe'
import { cancelIntent, paymentIntentOf } from '../billing/invoice-payments.ts'
import { finalizeInvoice, markPaid, markUncollectible, voidInvoice } from '../billing/invoices.ts'
import { declineOf, type PaymentResult } from '../billing/payments.ts'
import { composePreview } from '../billing/preview.ts'
import { collect, settleSubscription } from '../billing/subscription-state.ts'
import { declineError } from '../cards.ts'
import { type InPath, invalid, type StripeError } from '../errors.ts'
import {
  customerOf,
  find,
  findCustomer,
  findSubscription,
  idOrNull,
  subscriptionOf,
} from '../lookup.ts'
import { assignGiven, mergeMetadata } from '../metadata.ts'
import { createdParam, inRange, listParams, page, paginate } from '../pagination.ts'
import { boolean, emptyable, metadata, oneOf, string } from '../params.ts'
import { type Route, route } from '../route.ts'
import type { World } from '../world.ts'
import { theirCard } from './subscription-fields.ts'

export const invoiceRoutes: Route[] = [
  route(
    'POST /v1/invoices/create_preview',
    'invoice',
    { customer: string(), subscription: string() },
    ({ world, params }) => {
      if (params.subscription === undefined && params.customer === undefined) {
        throw invalid('You must provide either a customer or a subscription.', {
          code: 'parameter_missing',
          param: 'customer',
        })
      }
      if (params.customer !== undefined) findCustomer(world, params.customer, 'customer')
      const subscription =
        params.subscription === undefined
          ? undefined
          : findSubscription(world, params.subscription, 'subscription')
      return composePreview(world, params.customer, subscription)
    },
  ),
  route('GET /v1/invoices/:id', 'invoice', {}, ({ world, id }) => findInvoice(world, id)),
  route(
    'POST /v1/invoices/:id',
    'invoice',
    {
      auto_advance: boolean(),
      default_payment_method: emptyable(string()),
      description: emptyable(string()),
      footer: emptyable(string()),
      metadata: metadata(),
    },
    ({ world, id, params }) => {
      const invoice = findInvoice(world, id)
      const card = params.default_payment_method
        ? theirCard(world, params.default_payment_method, customerOf(world, invoice))
        : params.default_payment_method
      world.update(invoice, 'invoice.updated', (changed) => {
        assignGiven(changed, params, ['auto_advance', 'description', 'footer'])
        changed.metadata = mergeMetadata(changed.metadata ?? {}, params.metadata)
        if (card !== undefined) changed.default_payment_method = card
        if (params.auto_advance === undefined || changed.status !== 'draft') return
        const now = world.now(idOrNull(changed.customer))
        changed.automatically_finalizes_at = params.auto_advance ? now + 3600 : null
      })
      return invoice
    },
  ),
  route(
    'GET /v1/invoices',
    'list of invoice',
    {
      ...listParams,
      collection_method: oneOf(['charge_automatically', 'send_invoice']),
      created: createdParam,
      customer: string(),
      status: oneOf(['draft', 'open', 'paid', 'uncollectible', 'void']),
      subscription: string(),
    },
    ({ world, params }) => {
      const found = [...world.store.invoices.values()].filter(
        (invoice) =>
          (params.customer === undefined || idOrNull(invoice.customer) === params.customer) &&
          (params.status === undefined || invoice.status === params.status) &&
          (params.subscription === undefined ||
            subscriptionOf(world, invoice)?.id === params.subscription) &&
          (params.collection_method === undefined ||
            invoice.collection_method === params.collection_method) &&
          inRange(invoice.created, params.created),
      )
      return paginate(found, params, '/v1/invoices', 'invoice', world.store.invoices.values())
    },
  ),
  route('GET /v1/invoices/:id/lines', 'list of line_item', listParams, ({ world, id, params }) => {
    const { lines } = findInvoice(world, id, { path: 'invoice' })
    return page(lines.data, params, `/v1/invoices/${id}/lines`, 'line_item')
  }),
  route(
    'POST /v1/invoices/:id/finalize',
    'invoice',
    { auto_advance: boolean() },
    ({ world, id, params }) => {
      const invoice = findInvoice(world, id, { path: 'invoice' })
      if (invoice.status !== 'draft') {
        throw invalid(`This invoice is already finalized, you can't re-finalize it.`, {
          code: 'invoice_not_editable',
        })
      }
      if (params.auto_advance !== undefined) invoice.auto_advance = params.auto_advance
      finalizeInvoice(world, invoice)
      settleSubscription(world, invoice)
      // With auto_advance Stripe makes its first attempt about an hour after it was finalised.
      const charged = invoice.collection_method === 'charge_automatically'
      if (invoice.status === 'open' && invoice.auto_advance && charged) {
        invoice.next_payment_attempt = world.now(idOrNull(invoice.customer)) + 3600
      }
      if (invoice.status === 'open') paymentIntentOf(world, invoice)
      return invoice
    },
  ),
  route(
    'POST /v1/invoices/:id/pay',
    'invoice',
    {
      forgive: boolean(),
      off_session: boolean(),
      paid_out_of_band: boolean(),
      payment_method: string(),
    },
    ({ world, id, params }) => {
      const invoice = findInvoice(world, id, { path: 'invoice' })
      if (invoice.status === 'paid') throw invalid('Invoice is already paid')
      if (invoice.status === 'draft') finalizeInvoice(world, invoice)
      requireOpen(invoice, ['open', 'uncollectible', 'paid'], 'paid')
      if (params.paid_out_of_band && invoice.status !== 'paid') {
        cancelIntent(world, invoice, 'void_invoice')
        markPaid(world, invoice)
        settleSubscription(world, invoice)
      }
      if (invoice.status === 'paid') return invoice
      const paymentMethod = params.payment_method
        ? theirCard(world, params.payment_method, customerOf(world, invoice))
        : null
      const result = collect(world, invoice, { paymentMethod, automatic: false })
      if (result.kind !== 'paid') throw refusal(world, invoice, result)
      return invoice
    },
  ),
  route('POST /v1/invoices/:id/void', 'invoice', {}, ({ world, id }) => {
    const invoice = findInvoice(world, id, { path: 'invoice' })
    requireOpen(invoice, ['open', 'uncollectible'], 'voided')
    voidInvoice(world, invoice)
    return invoice
  }),
  route('POST /v1/invoices/:id/mark_uncollectible', 'invoice', {}, ({ world, id }) => {
    const invoice = findInvoice(world, id, { path: 'invoice' })
    requireOpen(invoice, ['open'], 'marked uncollectible')
    markUncollectible(world, invoice, 'user_forgiven')
    settleSubscription(world, invoice)
    return invoice
  }),
]

function findInvoice(world: World, id: string, place: InPath = { path: 'id' }): Stripe.Invoice {
  return find(world.store.invoices, 'invoice', id, place)
}

function requireOpen(
  invoice: Stripe.Invoice,
  allowed: Stripe.Invoice.Status[],
  what: string,
): void {
  if (invoice.status && allowed.includes(invoice.status)) return
  throw invalid(
    `You can only pass in open invoices. This invoice isn't open: it is ${invoice.status} and cannot be ${what}.`,
    { code: 'status_transition_invalid' },
  )
}

function refusal(world: World, invoice: Stripe.Invoice, result: PaymentResult): StripeError {
  const decline = declineOf(result)
  if (!decline) {
    return invalid(
      'There is no `default_payment_method` set on this Customer or Invoice. Please set a default payment method before paying.',
      { code: 'missing' },
    )
  }
  return declineError(decline, {
    ...(result.kind === 'declined' && result.charge && { charge: result.charge }),
    paymentIntent: paymentIntentOf(world, invoice),
  })
}
