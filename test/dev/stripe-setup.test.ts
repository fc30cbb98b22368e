// `npm run stripe:setup`: an account that has nothing, one that has all, one that differs.
import Stripe from 'stripe'
import { expect, test } from 'vitest'
import { EVENT_TYPES } from '../../src/billing/event-types.ts'
import { complete, posts, type Setup, startSetup, WEBHOOK, WORKER } from './stripe-setup-run.ts'

/** The product of a tier and the prices of it, the oldest last. */
async function pricesOf({ stripe }: Setup, tier: string) {
  const { data } = await stripe.products.list({ limit: 100 })
  const product = data.find(({ metadata }) => metadata.tollgate === tier)
  if (!product) throw new Error(`No product ${tier}`)
  const prices = await stripe.prices.list({ product: product.id })
  return { product, prices: prices.data }
}

test('an account that has nothing gets the plans, the portal and the endpoint', async () => {
  const setup = await startSetup()
  const { stripe } = setup
  const { code, output, vars } = await setup.run(['--url', WORKER, '--yes'])
  expect(code).toBe(0)
  for (const [tier, cents] of [
    ['hobby', 2900],
    ['research', 19_900],
    ['pro', 99_900],
  ] as const) {
    const { prices } = await pricesOf(setup, tier)
    expect(prices).toMatchObject([
      {
        unit_amount: cents,
        currency: 'usd',
        lookup_key: `tollgate_${tier}`,
        recurring: { interval: 'month' },
      },
    ])
    expect(vars[`STRIPE_PRICE_ID_${tier.toUpperCase()}`]).toBe(prices[0]?.id)
  }
  const { data: endpoints } = await stripe.webhookEndpoints.list()
  expect(endpoints).toMatchObject([{ url: WEBHOOK, api_version: Stripe.API_VERSION }])
  expect(endpoints[0]?.enabled_events.toSorted()).toEqual([...EVENT_TYPES].toSorted())
  const [endpoint] = endpoints
  expect(vars.STRIPE_WEBHOOK_SECRET).toBe(setup.sim.data.webhookSecrets.get(endpoint?.id ?? ''))
  expect(output).not.toContain('sk_test')
})

test('a second run sends no POST, says so, and shows no secret', async () => {
  const setup = await complete()
  const { code, output, vars } = await setup.run(['--url', WORKER])
  expect(posts(setup)).toEqual([])
  expect(code).toBe(0)
  expect(output).toContain('Nothing to change.')
  expect(output).not.toContain('whsec_')
  expect(vars).not.toHaveProperty('STRIPE_WEBHOOK_SECRET')
})

test('--dry-run changes nothing', async () => {
  const setup = await startSetup()
  const { code, output } = await setup.run(['--dry-run', '--url', WORKER, '--yes'])
  expect(posts(setup)).toEqual([])
  expect(code).toBe(0)
  expect(output).toMatch(/create\s+product Hobby/)
})

test('what is missing is made at once, what exists is left until --yes', async () => {
  const setup = await startSetup()
  const endpoint = await setup.stripe.webhookEndpoints.create({
    url: WEBHOOK,
    enabled_events: ['*'],
    api_version: Stripe.API_VERSION,
  })
  const { code, output } = await setup.run(['--url', WORKER])
  expect(code).toBe(2)
  expect(output).toContain('Run this again with --yes')
  expect(await setup.stripe.webhookEndpoints.retrieve(endpoint.id)).toMatchObject({
    enabled_events: ['*'],
  })
  expect(posts(setup).sort()).toEqual([
    'POST /v1/billing_portal/configurations',
    ...Array(3).fill('POST /v1/prices'),
    ...Array(3).fill('POST /v1/products'),
  ])
})

test('a changed amount is shown, then made with --yes: a new price is sold, the old one counts', async () => {
  const setup = await complete()
  const { product, prices } = await pricesOf(setup, 'hobby')
  // As if the plan table had said $19 when the account was set up.
  const [right] = prices
  const old = await setup.stripe.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: 1900,
    recurring: { interval: 'month' },
    lookup_key: 'tollgate_hobby',
    transfer_lookup_key: true,
  })
  await setup.stripe.prices.update(right?.id ?? '', { active: false })
  setup.sim.data.prices.delete(right?.id ?? '')

  const shown = await setup.run()
  expect(shown.code).toBe(2)
  expect(shown.output).toMatch(/change\s+price Hobby: \$19\.00 a month -> \$29\.00 a month/)
  expect(shown.output).toContain('--yes')
  expect(shown.vars.STRIPE_PRICE_ID_HOBBY).toBe(old.id)
  expect(posts(setup)).toEqual([])

  const done = await setup.run(['--yes'])
  expect(done.code).toBe(0)
  const after = (await pricesOf(setup, 'hobby')).prices
  const sold = after.find(({ lookup_key }) => lookup_key === 'tollgate_hobby')
  expect(sold).toMatchObject({ unit_amount: 2900, active: true })
  expect(after.find(({ id }) => id === old.id)).toMatchObject({ active: true, lookup_key: null })
  expect(done.vars.STRIPE_PRICE_ID_HOBBY).toBe(`${sold?.id},${old.id}`)

  setup.requests.length = 0
  expect((await setup.run()).output).toContain('Nothing to change.')
  expect(posts(setup)).toEqual([])
})

test('a price that fits is sold again instead of a new one; a yearly one of the product counts', async () => {
  const setup = await complete()
  const { product, prices } = await pricesOf(setup, 'pro')
  const monthly = prices[0]?.id ?? ''
  const yearly = await setup.stripe.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: 990_000,
    recurring: { interval: 'year' },
    lookup_key: 'tollgate_pro',
    transfer_lookup_key: true,
  })
  await setup.stripe.prices.update(monthly, { active: false })
  const { vars } = await setup.run(['--yes'])
  expect(vars.STRIPE_PRICE_ID_PRO).toBe(`${monthly},${yearly.id}`)
  expect(await setup.stripe.prices.retrieve(monthly)).toMatchObject({ active: true })
})

test('a renamed, archived product is shown and set right', async () => {
  const setup = await complete()
  const { product } = await pricesOf(setup, 'research')
  await setup.stripe.products.update(product.id, { name: 'Lab', active: false })
  const shown = await setup.run()
  expect(shown.output).toContain('name "Lab" -> "Tollgate Research", active false -> true')
  expect(posts(setup)).toEqual([])
  await setup.run(['--yes'])
  expect(await setup.stripe.products.retrieve(product.id)).toMatchObject({
    name: 'Tollgate Research',
    active: true,
  })
})

test('products that only the lookup keys of their prices tell are taken over', async () => {
  const setup = await startSetup()
  for (const [tier, cents] of Object.entries({ hobby: 2900, research: 19_900, pro: 99_900 })) {
    const { id: product } = await setup.stripe.products.create({ name: `Tollgate ${tier}` })
    await setup.stripe.prices.create({
      product,
      currency: 'usd',
      unit_amount: cents,
      recurring: { interval: 'month' },
      lookup_key: `tollgate_${tier}`,
    })
  }
  await setup.run(['--yes'])
  expect([setup.sim.data.products.size, setup.sim.data.prices.size]).toEqual([3, 3])
  expect((await pricesOf(setup, 'hobby')).product).toMatchObject({ name: 'Tollgate Hobby' })
})

test('what lies on a later page is found', async () => {
  const setup = await complete()
  for (let n = 0; n < 101; n += 1) {
    await setup.stripe.products.create({ name: `Other ${n}` })
    await setup.stripe.webhookEndpoints.create({
      url: `https://other.example.com/${n}`,
      enabled_events: ['*'],
    })
  }
  const { output } = await setup.run(['--url', WORKER])
  expect(output).toContain('Nothing to change.')
  expect(posts(setup)).toEqual([])
})

test('runs at the same time make one of each', async () => {
  const setup = await startSetup()
  const looked = Promise.withResolvers<void>()
  let looks = 0
  setup.refuse = async (request) => {
    // Nobody makes anything before both have seen that there is nothing.
    if (request === 'GET /v1/webhook_endpoints' && ++looks === 2) looked.resolve()
    if (request.startsWith('POST')) await looked.promise
    return undefined
  }
  const both = await Promise.all([
    setup.run(['--url', WORKER, '--yes']),
    setup.run(['--url', WORKER, '--yes']),
  ])
  expect(both.map(({ code }) => code)).toEqual([0, 0])
  expect(both[0].vars).toEqual(both[1].vars)
  expect(both[0].vars).toHaveProperty('STRIPE_WEBHOOK_SECRET')
  const { products, prices, webhookEndpoints, portalConfigurations } = setup.sim.data
  expect([products.size, prices.size, webhookEndpoints.size]).toEqual([3, 3, 1])
  // The account's own, and ours.
  expect(portalConfigurations.size).toBe(2)
})
