// Products, prices, customers, cards: creating, changing, listing, deleting.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { newPrice, refusal, type ServedApi, startApi, typesOf } from './stripe-api-client.ts'

let api: ServedApi
beforeEach(async () => {
  api = await startApi()
})
afterEach(() => api.close())

test('products are created, changed, listed and, without prices, deleted', async () => {
  const { products, prices } = api.stripe
  const product = await products.create({
    id: 'prod_hobby',
    name: 'Hobby',
    metadata: { tier: 'hobby' },
  })
  expect(product).toMatchObject({ id: 'prod_hobby', active: true, type: 'service' })
  expect(await refusal(products.create({ id: 'prod_hobby', name: 'Again' }))).toMatchObject({
    code: 'resource_already_exists',
  })
  await products.update(product.id, { name: 'Hobby plan', active: false })
  expect((await products.list({ active: true })).data).toEqual([])
  expect((await products.list({ ids: ['prod_hobby'] })).data).toMatchObject([
    { name: 'Hobby plan' },
  ])
  const price = await prices.create({ product: product.id, currency: 'usd', unit_amount: 100 })
  expect((await refusal(products.del(product.id))).message).toContain('user-created prices')
  expect(price).toMatchObject({ type: 'one_time', recurring: null })
  const other = await products.create({ name: 'Other' })
  expect(await products.del(other.id)).toMatchObject({ deleted: true })
})

test('a product brings its default price', async () => {
  const product = await api.stripe.products.create({
    name: 'Pro',
    default_price_data: { currency: 'usd', unit_amount: 99_900, recurring: { interval: 'month' } },
    expand: ['default_price'],
  })
  expect(product.default_price).toMatchObject({
    unit_amount: 99_900,
    recurring: { interval: 'month', interval_count: 1, usage_type: 'licensed' },
  })
})

test('amounts reach stripe-node as its decimals', async () => {
  const { Stripe } = await import('stripe')
  const price = await newPrice(api.stripe)
  expect(price.unit_amount_decimal).toEqual(Stripe.Decimal.from('2900'))
})

test('a lookup key names one price, and moves when asked to', async () => {
  const { prices } = api.stripe
  const { product } = await newPrice(api.stripe)
  const create = (more: object) =>
    prices.create({
      product: String(product),
      currency: 'usd',
      unit_amount: 100,
      recurring: { interval: 'month' },
      lookup_key: 'hobby',
      ...more,
    })
  const first = await create({})
  expect(await refusal(create({}))).toMatchObject({ param: 'lookup_key' })
  const second = await create({ transfer_lookup_key: true })
  expect((await prices.list({ lookup_keys: ['hobby'] })).data.map(({ id }) => id)).toEqual([
    second.id,
  ])
  expect((await prices.retrieve(first.id)).lookup_key).toBeNull()
})

test('prices are listed by product, activity and kind; what is sold cannot change its amount', async () => {
  const { prices } = api.stripe
  const [a, b] = [await newPrice(api.stripe), await newPrice(api.stripe, { interval: 'year' })]
  await prices.update(b.id, { active: false, nickname: 'old', metadata: { a: 'b' } })
  const ids = async (params: object) => (await prices.list(params)).data.map(({ id }) => id)
  expect(await ids({ active: true })).toEqual([a.id])
  expect(await ids({ product: String(b.product) })).toEqual([b.id])
  expect(await ids({ recurring: { interval: 'year' } })).toEqual([b.id])
  expect(await ids({ type: 'one_time' })).toEqual([])
  expect(await refusal(prices.update(a.id, { unit_amount: 1 } as object))).toMatchObject({
    code: 'parameter_unknown',
    param: 'unit_amount',
  })
})

test.each([
  [{ currency: 'xxl', unit_amount: 1, product_data: { name: 'x' } }, { param: 'currency' }],
  [{ currency: 'usd', product_data: { name: 'x' } }, { param: 'unit_amount' }],
  [{ currency: 'usd', unit_amount: -1, product_data: { name: 'x' } }, { param: 'unit_amount' }],
  [
    { currency: 'usd', unit_amount: 1, product: 'prod_no' },
    { param: 'product', code: 'resource_missing' },
  ],
  [
    {
      currency: 'usd',
      unit_amount: 1,
      product_data: { name: 'x' },
      recurring: { interval: 'fortnight' },
    },
    { param: 'recurring[interval]' },
  ],
] as const)('a price of %o is refused', async (params, error) => {
  expect(await refusal(api.stripe.prices.create(params))).toMatchObject(error)
  expect((await api.stripe.products.list()).data).toEqual([])
})

test('changing a customer says what it was', async () => {
  const { customers } = api.stripe
  const customer = await customers.create({ email: 'a@example.com', metadata: { a: '1', b: '2' } })
  await customers.update(customer.id, { email: 'b@example.com', metadata: { a: '', b: '3' } })
  expect(api.events.at(-1)).toMatchObject({
    type: 'customer.updated',
    data: {
      object: { email: 'b@example.com', metadata: { b: '3' } },
      previous_attributes: { email: 'a@example.com', metadata: { a: '1', b: '2' } },
    },
  })
  const before = api.events.length
  await customers.update(customer.id, { email: 'b@example.com' })
  expect(api.events).toHaveLength(before)
})

test('cards are attached, made the default, listed and detached', async () => {
  const { stripe } = api
  const customer = await stripe.customers.create()
  const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id })
  expect(card).toMatchObject({ customer: customer.id, card: { brand: 'visa', last4: '4242' } })
  const typed = await stripe.paymentMethods.create({
    type: 'card',
    card: { number: '5555555555554444', exp_month: 8, exp_year: 2030, cvc: '123' },
  })
  await stripe.paymentMethods.attach(typed.id, { customer: customer.id })
  const listed = await stripe.customers.listPaymentMethods(customer.id)
  expect(listed.data.map((method) => method.card?.brand)).toEqual(['mastercard', 'visa'])
  await stripe.customers.update(customer.id, {
    invoice_settings: { default_payment_method: card.id },
  })
  await stripe.paymentMethods.detach(card.id)
  expect(await stripe.customers.retrieve(customer.id)).toMatchObject({
    invoice_settings: { default_payment_method: null },
  })
  expect(typesOf(api.events)).toEqual(
    expect.arrayContaining(['payment_method.attached', 'payment_method.detached']),
  )
  const other = await stripe.customers.create()
  expect(
    await refusal(
      stripe.customers.update(other.id, { invoice_settings: { default_payment_method: typed.id } }),
    ),
  ).toMatchObject({ param: 'invoice_settings[default_payment_method]' })
  expect(
    await refusal(stripe.paymentMethods.attach(typed.id, { customer: other.id })),
  ).toMatchObject({
    code: 'payment_method_unexpected_state',
  })
})

test.each([
  ['pm_card_visa_chargeDeclined', { statusCode: 402, decline_code: 'generic_decline' }],
  [
    'pm_card_visa_chargeDeclinedInsufficientFunds',
    { statusCode: 402, decline_code: 'insufficient_funds' },
  ],
  ['pm_card_no_such', { statusCode: 404, code: 'resource_missing' }],
])('attaching %s is refused', async (card, error) => {
  const customer = await api.stripe.customers.create()
  expect(
    await refusal(api.stripe.paymentMethods.attach(card, { customer: customer.id })),
  ).toMatchObject(error)
})
