// `npm run doctor` on a Stripe account: its key, prices and portal; one thing at a time is wrong.
import Stripe from 'stripe'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Stack, startStack } from '../../dev/stack.ts'
import { wrong as allWrong, doctor, only, throughProxy } from './doctor-fixture.ts'

let stack: Stack
let stripe: Stripe
let vars: Record<string, string>

beforeAll(async () => {
  stack = await startStack({ faults: true })
  vars = stack.vars
  const { hostname, port } = new URL(stack.info.stripeApiBase)
  stripe = new Stripe(stack.info.stripeSecretKey, { host: hostname, port, protocol: 'http' })
})
afterAll(() => stack?.close())

/** Without a Worker there is no endpoint: that line is another file's. */
const wrong = async (about: Record<string, string>) =>
  (await allWrong(about)).filter(
    ({ level, item }) => `${level} ${item}` !== 'warn Webhook endpoint',
  )

describe('prices', () => {
  const pro = 'STRIPE_PRICE_ID_PRO'
  async function price(more: Partial<Stripe.PriceCreateParams>, name = 'Pro') {
    const base = { currency: 'usd', unit_amount: 99_900, product_data: { name } }
    return stripe.prices.create({ ...base, recurring: { interval: 'month' }, ...more })
  }
  const priced = (says: RegExp) =>
    expect.arrayContaining(only('Price of pro', says, /stripe:setup/))

  test('one that does not exist', async () => {
    const bad = await wrong({ ...vars, [pro]: 'price_nowhere' })
    expect(bad).toEqual(priced(/price_nowhere does not exist in this account/))
  })

  test.each<[string, Partial<Stripe.PriceCreateParams>, RegExp]>([
    ['of another amount', { unit_amount: 9900 }, /costs \$99\.00, not the \$999\.00/],
    ['in another currency', { currency: 'eur' }, /costs 99900 \(smallest units of EUR\)/],
    ['by the quarter', { recurring: { interval: 'month', interval_count: 3 } }, /every 3 month/],
    ['by the week', { recurring: { interval: 'week' } }, /every 1 week/],
  ])('one %s', async (_, more, says) => {
    expect(await wrong({ ...vars, [pro]: (await price(more)).id })).toEqual(priced(says))
  })

  test('one that is charged once', async () => {
    const { id } = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 99_900,
      product_data: { name: 'Once' },
    })
    expect(await wrong({ ...vars, [pro]: id })).toEqual(priced(/charged once/))
  })

  test('one that is archived, or whose product is', async () => {
    const archived = await price({})
    await stripe.prices.update(archived.id, { active: false })
    expect(await wrong({ ...vars, [pro]: archived.id })).toEqual(
      priced(/is archived, and Checkout/),
    )
    const orphan = await price({})
    await stripe.products.update(String(orphan.product), { active: false })
    expect(await wrong({ ...vars, [pro]: orphan.id })).toEqual(priced(/archived product/))
  })

  test('one of the other mode', async () => {
    const live = await throughProxy(stack, (path, body) =>
      path.endsWith(stack.info.prices.pro) ? { ...body, livemode: true } : body,
    )
    expect(await wrong(live)).toEqual(priced(/is of live mode/))
  })

  test('a yearly one beside it, and an old one that is archived, are in order', async () => {
    const yearly = await price({ recurring: { interval: 'year' }, unit_amount: 999_000 })
    const old = await price({ unit_amount: 49_900 })
    await stripe.prices.update(old.id, { active: false })
    const all = `${stack.info.prices.pro},${yearly.id},${old.id}`
    const { code, output } = await doctor({ ...vars, [pro]: all })
    expect(output).toMatch(/^ok +Price of pro +price_\w+, \$9990\.00 a year, kept beside it/m)
    expect(output).toMatch(/^ok +Price of pro .*\$499\.00 a month, archived, kept for its/m)
    expect(code).toBe(0)
  })
})

describe('the portal', () => {
  const ITEM = 'Customer portal'
  const NAME = 'STRIPE_PORTAL_CONFIGURATION_ID'
  type Configuration = Stripe.BillingPortal.Configuration
  const named = (change: (body: Configuration) => object) =>
    throughProxy(stack, (path, body) =>
      path.endsWith(stack.info.portalConfiguration)
        ? { ...change(body as never as Configuration) }
        : body,
    )
  const updating = (
    first: Configuration,
    change: (update: Configuration['features']['subscription_update']) => object,
  ) => ({
    ...first,
    features: {
      ...first.features,
      subscription_update: change(first.features.subscription_update),
    },
  })

  test('plans that cannot be changed, or not to each of ours', async () => {
    const pro = await named((first) =>
      updating(first, ({ products, ...update }) => ({
        ...update,
        products: products?.filter(({ prices }) => !prices.includes(stack.info.prices.pro)),
      })),
    )
    expect(await wrong(pro)).toEqual(only(ITEM, /not offer the price of pro$/, /stripe:setup/))
    const off = await named((first) => updating(first, (update) => ({ ...update, enabled: false })))
    expect(await wrong(off)).toEqual(only(ITEM, /lets nobody change the plan/, /stripe:setup/))
  })

  test('one that lacks the cancellation, the card and the invoices', async () => {
    const off = { enabled: false }
    const bare = await named((first) => ({
      ...first,
      features: {
        ...first.features,
        subscription_cancel: off,
        payment_method_update: off,
        invoice_history: off,
      },
    }))
    const says = /lets nobody cancel, nor change the card.*, nor see the invoices/
    expect(await wrong(bare)).toEqual(
      only('Customer portal features', says, /stripe:setup/, 'warn'),
    )
  })

  test('one that does not exist, that is inactive, or whose id is none', async () => {
    expect(await wrong({ ...vars, [NAME]: 'bpc_nowhere' })).toEqual(
      only(ITEM, /bpc_nowhere does not exist in this account/, /stripe:setup/),
    )
    const { configurations } = stripe.billingPortal
    const { id } = await configurations.create({ features: { invoice_history: { enabled: true } } })
    await configurations.update(id, { active: false })
    expect(await wrong({ ...vars, [NAME]: id })).toEqual(
      only(ITEM, new RegExp(`${id} is inactive`), /stripe:setup/),
    )
    const bad = await wrong({ ...vars, [NAME]: 'default' })
    expect(bad.map(({ level, item }) => `${level} ${item}`)).toEqual([
      `fail ${NAME}`,
      `skip ${ITEM}`,
    ])
  })

  test('where none is set, the default one is looked at, and ours is named', async () => {
    const { [NAME]: _, ...unset } = vars
    const set = new RegExp(`set ${NAME}=${stack.info.portalConfiguration}$`)
    expect(await wrong(unset)).toEqual([
      ...only(ITEM, /lets nobody change the plan/, /stripe:setup/),
      ...only(ITEM, /is not set: people get the account's default/, set, 'warn'),
    ])
    const list = (change: (all: Configuration[]) => Configuration[]) =>
      throughProxy(stack, (path, body) =>
        path.endsWith('/configurations')
          ? { ...body, data: change(body.data as Configuration[]) }
          : body,
      ).then(({ [NAME]: __, ...others }) => others)
    const good = await list((all) =>
      all.flatMap((each) =>
        each.is_default ? [] : { ...each, is_default: true, metadata: { tollgate: '' } },
      ),
    )
    expect(await wrong(good)).toEqual([])
    const ours = await list((all) => all.filter((each) => !each.is_default))
    expect(await wrong(ours)).toEqual(only(ITEM, /has no default/, set))
    const none = await list(() => [])
    expect(await wrong(none)).toEqual(only(ITEM, /has no default/, /stripe:setup/))
  })
})

describe('the key', () => {
  test('a restricted one that may not read everything warns of what was not checked', async () => {
    const message =
      "The provided key 'rk_test_x' does not have the required permissions for this endpoint on account 'acct_1Seller'."
    const refusal = JSON.stringify({ error: { type: 'invalid_request_error', message } })
    const closed = await throughProxy(stack, (path, body) =>
      /account$|webhook_endpoints$|events$|configurations/.test(path)
        ? new Response(refusal, { status: 403 })
        : body,
    )
    const items = async (key: string) => {
      const bad = await allWrong({ ...closed, STRIPE_SECRET_KEY: key })
      return bad.map(({ level, item }) => `${level} ${item}`)
    }
    expect(await items('sk_test_x')).toContain('fail Stripe account')
    expect(await items('rk_test_x')).toEqual([
      'warn Customer portal',
      'warn Webhook endpoint',
      'fail Webhook deliveries',
    ])
  })

  test('a Stripe that hangs fails within its time limit, and hides nothing else', async () => {
    const origin = stack.info.stripeApiBase
    const order = { match: { path: '/v1/billing_portal' }, fault: { kind: 'hang' } }
    const answer = await fetch(`${origin}/_faults`, { method: 'POST', body: JSON.stringify(order) })
    const { id } = (await answer.json()) as { id: string }
    onTestFinished(async () => void (await fetch(`${origin}/_faults/${id}`, { method: 'DELETE' })))
    expect(await wrong(vars)).toEqual(only('Customer portal', /did not answer/, /try again/))
  })
})
