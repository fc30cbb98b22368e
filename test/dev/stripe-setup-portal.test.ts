// `npm run stripe:setup`: the portal's configuration is one of its own; what the account has beside it is left alone.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Stripe } from 'stripe'
import { expect, test } from 'vitest'
import { complete, posts, type Setup, startSetup } from './stripe-setup-run.ts'

const NAME = 'STRIPE_PORTAL_CONFIGURATION_ID'
const MADE = 'POST /v1/billing_portal/configurations'

async function configurationsOf({ stripe }: Setup) {
  const expand = ['data.features.subscription_update.products']
  const { data } = await stripe.billingPortal.configurations.list({ expand })
  const of = (isDefault: boolean) => data.filter((each) => each.is_default === isDefault)
  return { others: of(false), standard: of(true) }
}

const pricesIn = ({ features }: Stripe.BillingPortal.Configuration) =>
  features.subscription_update.products?.flatMap(({ prices }) => prices)

test('it is made beside the default one, which is not touched; its id is printed and written', async () => {
  const setup = await startSetup()
  const { standard } = await configurationsOf(setup)
  const { code, vars } = await setup.run()
  expect(code).toBe(0)
  const after = await configurationsOf(setup)
  expect(after.standard).toEqual(standard)
  expect(standard).toHaveLength(1)
  const [made] = after.others
  expect(made).toMatchObject({
    id: vars[NAME],
    active: true,
    metadata: { tollgate: 'portal' },
    features: {
      invoice_history: { enabled: true },
      payment_method_update: { enabled: true },
      subscription_cancel: { enabled: true, mode: 'at_period_end' },
      subscription_update: {
        enabled: true,
        default_allowed_updates: ['price'],
        proration_behavior: 'always_invoice',
      },
    },
  })
  expect(made && pricesIn(made)).toEqual([
    vars.STRIPE_PRICE_ID_HOBBY,
    vars.STRIPE_PRICE_ID_RESEARCH,
    vars.STRIPE_PRICE_ID_PRO,
  ])
  expect(readFileSync(join(setup.folder, '.dev.vars'), 'utf8')).toContain(`${NAME}=${made?.id}\n`)
})

test('an account without a default one needs none', async () => {
  const setup = await startSetup()
  setup.sim.data.portalConfigurations.clear()
  const { code, vars } = await setup.run()
  expect(code).toBe(0)
  expect([...setup.sim.data.portalConfigurations.keys()]).toEqual([vars[NAME]])
})

test('one that differs is shown, and set right with --yes, as is one that sells an old price', async () => {
  const setup = await complete()
  const { others, standard } = await configurationsOf(setup)
  const [ours] = others
  const products = ours?.features.subscription_update.products ?? []
  await setup.stripe.billingPortal.configurations.update(ours?.id ?? '', {
    features: {
      subscription_cancel: { enabled: false },
      subscription_update: {
        enabled: true,
        products: products.slice(1).map(({ product, prices }) => ({ product, prices })),
      },
    },
  })
  const shown = await setup.run()
  expect(shown.code).toBe(2)
  expect(shown.output).toMatch(/change {2}portal .*subscription_cancel\.enabled false -> true\n/s)
  expect(shown.output).toMatch(/plans to change to: price_/)
  expect(shown.vars[NAME]).toBe(ours?.id)
  expect(posts(setup)).toEqual([])

  const { code, vars } = await setup.run(['--yes'])
  expect([code, vars[NAME]]).toEqual([0, ours?.id])
  expect(posts(setup)).toEqual([`${MADE}/${ours?.id}`])
  const after = await configurationsOf(setup)
  expect(after.others[0]?.features).toEqual(ours?.features)
  expect(after.standard).toEqual(standard)
})

test('one that was deactivated is left so, and another made, on the same day too', async () => {
  const setup = await complete()
  const { others } = await configurationsOf(setup)
  const old = others[0]?.id ?? ''
  await setup.stripe.billingPortal.configurations.update(old, { active: false })
  const { code, vars } = await setup.run()
  expect(code).toBe(0)
  expect(vars[NAME]).not.toBe(old)
  const after = await configurationsOf(setup)
  expect(after.others.map(({ id, active }) => [id, active]).sort()).toEqual(
    [
      [old, false],
      [vars[NAME], true],
    ].sort(),
  )
})

test('what is not marked as ours is not used, nor a default one that is; one that is set is named', async () => {
  const setup = await startSetup()
  const { configurations } = setup.stripe.billingPortal
  const features = { invoice_history: { enabled: true } }
  const other = await configurations.create({ features, metadata: { tollgate: 'mine' } })
  const { standard } = await configurationsOf(setup)
  await configurations.update(standard[0]?.id ?? '', { metadata: { tollgate: 'portal' } })
  const file = join(setup.folder, '.dev.vars')
  writeFileSync(file, `${NAME}=${other.id}\n`)
  const { output, vars } = await setup.run()
  expect(posts(setup)).toContain(MADE)
  expect([other.id, standard[0]?.id]).not.toContain(vars[NAME])
  expect(output).toContain(`${NAME} is ${other.id} today`)
  expect(readFileSync(file, 'utf8')).toContain(`${NAME}=${vars[NAME]}\n`)
  expect(await configurations.retrieve(other.id)).toEqual(other)
})

test('a plan that must change first keeps it waiting for --yes', async () => {
  const setup = await complete()
  setup.sim.data.portalConfigurations.clear()
  const [first] = (await setup.stripe.prices.list({ lookup_keys: ['tollgate_pro'] })).data
  await setup.stripe.prices.update(first?.id ?? '', { active: false })
  const held = await setup.run()
  expect([held.code, posts(setup)]).toEqual([2, []])
  expect(held.output).toContain('What is missing has no id yet.')
  expect(held.vars).not.toHaveProperty(NAME)
  const { code, vars } = await setup.run(['--yes'])
  expect(code).toBe(0)
  expect([...setup.sim.data.portalConfigurations.keys()]).toEqual([vars[NAME]])
})

test('an account that Stripe wants more of first is told where to give it', async () => {
  const setup = await startSetup()
  const message = 'You must set a business name.'
  setup.refuse = (request) =>
    request === MADE
      ? Response.json({ error: { type: 'invalid_request_error', message } }, { status: 400 })
      : undefined
  const { code, output, vars } = await setup.run()
  expect(code).toBe(1)
  expect(output).toMatch(
    /set a business name\. Give it .*settings\/billing\/portal .*run this again/,
  )
  expect(vars).not.toHaveProperty(NAME)
  delete setup.refuse
  expect((await setup.run()).vars[NAME]).toMatch(/^bpc_/)
})
