// The portal's API, webhook endpoints, events, the account.
import type { Stripe } from 'stripe'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { buy, DAY, newPrice, refusal, type ServedApi, startApi } from './stripe-api-client.ts'

let api: ServedApi
beforeEach(async () => {
  api = await startApi()
})
afterEach(() => api.close())

test('a portal session leads to its page, under the account’s default configuration', async () => {
  const { stripe } = api
  const customer = await stripe.customers.create()
  const session = await stripe.billingPortal.sessions.create({
    customer: customer.id,
    return_url: 'http://app.test/account',
    expand: ['configuration'],
  })
  expect(session).toMatchObject({
    customer: customer.id,
    return_url: 'http://app.test/account',
    url: `http://stripe.test/p/session/${session.id}`,
    configuration: {
      is_default: true,
      features: { subscription_cancel: { enabled: true, mode: 'at_period_end' } },
    },
  })
})

test('what is not simulated is said, not swallowed', async () => {
  const { stripe } = api
  const customer = await stripe.customers.create()
  const create = stripe.billingPortal.sessions.create({
    customer: customer.id,
    flow_data: { type: 'payment_method_update' },
  })
  expect(await refusal(create)).toMatchObject({
    statusCode: 400,
    param: 'flow_data',
    message: expect.stringContaining("Tollgate's simulator does not simulate"),
  })
})

test('a configuration that lets plans be changed names products and prices that exist', async () => {
  const { stripe } = api
  const price = await newPrice(stripe)
  const other = await newPrice(stripe, { name: 'Pro' })
  const product = String(price.product)
  const create = (products?: { product: string; prices: string[] }[]) =>
    stripe.billingPortal.configurations.create({
      features: {
        subscription_update: {
          enabled: true,
          default_allowed_updates: ['price'],
          ...(products && { products }),
        },
      },
    })
  const param = 'features[subscription_update][products]'
  expect(await refusal(create())).toMatchObject({ code: 'parameter_missing', param })
  for (const [products, error] of [
    [
      [{ product: 'prod_no', prices: [price.id] }],
      { code: 'resource_missing', param: `${param}[0][product]` },
    ],
    [
      [{ product, prices: ['price_no'] }],
      { code: 'resource_missing', param: `${param}[0][prices][0]` },
    ],
    [[{ product, prices: [other.id] }], { param: `${param}[0][prices][0]` }],
  ] as const) {
    expect(
      await refusal(create(products.map((p) => ({ ...p, prices: [...p.prices] })))),
    ).toMatchObject({
      statusCode: 400,
      ...error,
    })
  }
  expect(await create([{ product, prices: [price.id] }])).toHaveProperty('id')
})

test('configurations are created, changed feature by feature, and switched off', async () => {
  const { configurations } = api.stripe.billingPortal
  const price = await newPrice(api.stripe)
  const products = [{ product: String(price.product), prices: [price.id] }]
  const created = await configurations.create({
    features: {
      subscription_cancel: { enabled: true, mode: 'immediately' },
      subscription_update: {
        enabled: true,
        default_allowed_updates: ['price'],
        proration_behavior: 'always_invoice',
        products,
      },
    },
    metadata: { app: 'tollgate' },
    expand: ['features.subscription_update.products'],
  })
  expect(created).toMatchObject({
    is_default: false,
    active: true,
    features: {
      invoice_history: { enabled: false },
      subscription_cancel: { enabled: true, mode: 'immediately' },
      subscription_update: { products },
    },
  })
  const updated = await configurations.update(created.id, {
    features: { subscription_cancel: { enabled: false }, invoice_history: { enabled: true } },
  })
  expect(updated.features).toMatchObject({
    invoice_history: { enabled: true },
    subscription_cancel: { enabled: false, mode: 'immediately' },
    subscription_update: { enabled: true },
  })
  // As Stripe has it: only for who asks.
  expect(updated.features.subscription_update).not.toHaveProperty('products')
  const [bare] = (await configurations.list({ is_default: false })).data
  expect(bare?.features.subscription_update).not.toHaveProperty('products')
  const { data } = await configurations.list({
    expand: ['data.features.subscription_update.products'],
  })
  expect(data.find(({ id }) => id === created.id)?.features.subscription_update).toMatchObject({
    products,
  })
  await configurations.update(created.id, { active: false })
  expect((await configurations.list({ active: true })).data).toHaveLength(1)
  const customer = await api.stripe.customers.create()
  const session = api.stripe.billingPortal.sessions.create({
    customer: customer.id,
    configuration: created.id,
  })
  expect((await refusal(session)).message).toContain('inactive')
})

test('a webhook endpoint shows its secret once, and is told what it asked for', async () => {
  const { stripe, sim } = api
  const created = await stripe.webhookEndpoints.create({
    url: 'http://127.0.0.1:9/hook',
    enabled_events: ['customer.created', 'invoice.paid'],
    api_version: '2024-06-20' as Stripe.WebhookEndpointCreateParams.ApiVersion,
  })
  expect(created.secret).toMatch(/^whsec_\w{32}$/)
  expect(sim.signingSecret(created.id)).toBe(created.secret)
  expect((await stripe.webhookEndpoints.retrieve(created.id)).secret).toBeUndefined()
  await stripe.customers.create()
  const [event] = api.events
  expect(event).toMatchObject({ type: 'customer.created', pending_webhooks: 1 })
  expect(event && sim.endpointsFor(event).map(({ id }) => id)).toEqual([created.id])

  await stripe.webhookEndpoints.update(created.id, { disabled: true })
  expect(event && sim.endpointsFor(event)).toEqual([])
  await stripe.webhookEndpoints.update(created.id, { disabled: false, enabled_events: ['*'] })
  await stripe.products.create({ name: 'x' })
  expect(api.events.at(-1)?.pending_webhooks).toBe(1)
  await stripe.webhookEndpoints.del(created.id)
  expect((await stripe.webhookEndpoints.list()).data).toEqual([])
})

test.each([
  [
    { url: 'not a url', enabled_events: ['*'] },
    { code: 'url_invalid', param: 'url' },
  ],
  [
    { url: 'http://a.test', enabled_events: ['invoice.eaten'] },
    {
      param: 'enabled_events[0]',
      message: expect.stringContaining('Invalid enabled_events: must be one of'),
    },
  ],
  [{ url: 'http://a.test', enabled_events: [] }, { param: 'enabled_events' }],
  [{ url: 'http://a.test', enabled_events: ['*'], api_version: 'soon' }, {}],
])('a webhook endpoint of %o is refused', async (params, error) => {
  const create = api.stripe.webhookEndpoints.create(params as Stripe.WebhookEndpointCreateParams)
  expect(await refusal(create)).toMatchObject({ statusCode: 400, ...error })
})

test('events are listed by type and pattern, newest first, and name who asked', async () => {
  const { stripe } = api
  const customer = await stripe.customers.create({}, { idempotencyKey: 'k-1' })
  await stripe.customers.update(customer.id, { name: 'Ada' })
  await stripe.products.create({ name: 'x' })
  const types = async (params: object) =>
    (await stripe.events.list(params)).data.map(({ type }) => type)
  expect(await types({})).toEqual(['product.created', 'customer.updated', 'customer.created'])
  expect(await types({ type: 'customer.created' })).toEqual(['customer.created'])
  expect(await types({ type: 'customer.*' })).toEqual(['customer.updated', 'customer.created'])
  expect(await types({ types: ['product.created', 'customer.created'] })).toHaveLength(2)
  const [first] = (await stripe.events.list({ type: 'customer.created' })).data
  expect(first).toMatchObject({
    api_version: '2026-10-28.endive',
    request: { id: customer.lastResponse.requestId, idempotency_key: 'k-1' },
    data: { object: { id: customer.id, name: null } },
  })
  expect(await stripe.events.retrieve(first?.id ?? '')).toEqual(
    expect.objectContaining({ id: first?.id }),
  )
})

test('what time did has no request, deliveries show in the filter, and 30 days later it is gone', async () => {
  const { stripe, sim } = api
  const { customer } = await buy(api, (await newPrice(stripe)).id)
  sim.advanceCustomer(customer.id, sim.nextRenewal(customer.id) ?? 0)
  const [renewed] = (await stripe.events.list({ type: 'customer.subscription.updated' })).data
  expect(renewed?.request).toEqual({ id: null, idempotency_key: null })
  sim.setPendingWebhooks(renewed?.id ?? '', 1)
  const waiting = await stripe.events.list({ delivery_success: false })
  expect(waiting.data.map(({ id }) => id)).toEqual([renewed?.id])
  api.pass(30 * DAY)
  expect(await refusal(stripe.events.retrieve(renewed?.id ?? ''))).toMatchObject({
    statusCode: 404,
  })
  await stripe.products.create({ name: 'x' })
  expect(sim.data.events.has(renewed?.id ?? '')).toBe(false)
  expect((await stripe.events.list({ type: 'product.created' })).data).toHaveLength(1)
})

test('the account is there for a doctor to look at', async () => {
  expect(await api.stripe.accounts.retrieveCurrent()).toMatchObject({
    object: 'account',
    charges_enabled: true,
  })
})
