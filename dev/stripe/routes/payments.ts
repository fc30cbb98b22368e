// /v1/payment_intents, /v1/charges, /v1/invoice_payments, /v1/invoiceitems: what payments left behind.
import { find, idOrNull } from '../lookup.ts'
import { createdParam, inRange, listParams, paginate } from '../pagination.ts'
import { boolean, object, oneOf, required, string } from '../params.ts'
import { type Route, route } from '../route.ts'

export const paymentRoutes: Route[] = [
  route('GET /v1/payment_intents/:id', 'payment_intent', {}, ({ world, id }) =>
    find(world.store.paymentIntents, 'payment_intent', id, 'id'),
  ),
  route(
    'GET /v1/payment_intents',
    'list of payment_intent',
    { ...listParams, created: createdParam, customer: string() },
    ({ world, params }) => {
      const found = [...world.store.paymentIntents.values()].filter(
        (intent) =>
          (params.customer === undefined || idOrNull(intent.customer) === params.customer) &&
          inRange(intent.created, params.created),
      )
      return paginate(
        found,
        params,
        '/v1/payment_intents',
        'payment_intent',
        world.store.paymentIntents.values(),
      )
    },
  ),
  route('GET /v1/charges/:id', 'charge', {}, ({ world, id }) =>
    find(world.store.charges, 'charge', id, 'id'),
  ),
  route(
    'GET /v1/charges',
    'list of charge',
    { ...listParams, created: createdParam, customer: string(), payment_intent: string() },
    ({ world, params }) => {
      const found = [...world.store.charges.values()].filter(
        (charge) =>
          (params.customer === undefined || idOrNull(charge.customer) === params.customer) &&
          (params.payment_intent === undefined ||
            idOrNull(charge.payment_intent) === params.payment_intent) &&
          inRange(charge.created, params.created),
      )
      return paginate(found, params, '/v1/charges', 'charge', world.store.charges.values())
    },
  ),
  route('GET /v1/invoice_payments/:id', 'invoice_payment', {}, ({ world, id }) =>
    find(world.store.invoicePayments, 'invoice_payment', id, 'id'),
  ),
  route(
    'GET /v1/invoice_payments',
    'list of invoice_payment',
    {
      ...listParams,
      created: createdParam,
      invoice: string(),
      payment: object({
        payment_intent: string(),
        type: required(oneOf(['payment_intent'])),
      }),
      status: oneOf(['canceled', 'open', 'paid']),
    },
    ({ world, params }) => {
      const found = [...world.store.invoicePayments.values()].filter(
        ({ invoice, payment, status, created }) =>
          (params.invoice === undefined || idOrNull(invoice) === params.invoice) &&
          (params.payment?.payment_intent === undefined ||
            idOrNull(payment.payment_intent) === params.payment.payment_intent) &&
          (params.status === undefined || status === params.status) &&
          inRange(created, params.created),
      )
      return paginate(
        found,
        params,
        '/v1/invoice_payments',
        'invoice_payment',
        world.store.invoicePayments.values(),
      )
    },
  ),
  route('GET /v1/invoiceitems/:id', 'invoiceitem', {}, ({ world, id }) =>
    find(world.store.invoiceItems, 'invoiceitem', id, 'id'),
  ),
  route(
    'GET /v1/invoiceitems',
    'list of invoiceitem',
    { ...listParams, customer: string(), invoice: string(), pending: boolean() },
    ({ world, params }) => {
      const all = [...world.store.invoiceItems.values()].map((item) => ({
        ...item,
        created: item.date,
      }))
      const found = all.filter(
        ({ customer, invoice }) =>
          (params.customer === undefined || idOrNull(customer) === params.customer) &&
          (params.invoice === undefined || idOrNull(invoice) === params.invoice) &&
          (params.pending === undefined || params.pending === (invoice === null)),
      )
      const { data, ...list } = paginate(found, params, '/v1/invoiceitems', 'invoiceitem', all)
      return { ...list, data: data.map(({ created: _, ...item }) => item) }
    },
  ),
]
