// The stack's own portal: a buyer may change between the plans that it sells.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Stripe } from 'stripe'
import { expect, inject, onTestFinished, test } from 'vitest'
import { startStack } from '../../dev/stack.ts'
import type { StackInfo } from '../../dev/stack-info.ts'
import { startApi } from './stripe-api-client.ts'

function clientOf({ stripeApiBase, stripeSecretKey }: StackInfo): Stripe {
  const { hostname, port } = new URL(stripeApiBase)
  return new Stripe(stripeSecretKey, { host: hostname, port, protocol: 'http' })
}

async function customerOf(stripe: Stripe, price: string): Promise<string> {
  const { id } = await stripe.customers.create({
    payment_method: 'pm_card_visa',
    email: 'portal@example.com',
  })
  const [card] = (await stripe.customers.listPaymentMethods(id)).data
  await stripe.subscriptions.create({
    customer: id,
    items: [{ price }],
    default_payment_method: card?.id ?? '',
  })
  return id
}

test('the stack’s portal offers its plans to change to; the default one stays as Stripe’s is', async () => {
  const { prices, portalConfiguration: configuration } = inject('stack')
  const { STRIPE_PORTAL_CONFIGURATION_ID } = inject('vars')
  expect(STRIPE_PORTAL_CONFIGURATION_ID).toBe(configuration)
  const stripe = clientOf(inject('stack'))
  const customer = await customerOf(stripe, prices.hobby)
  const open = async (named: { configuration?: string }) => {
    const { url } = await stripe.billingPortal.sessions.create({ customer, ...named })
    return (await fetch(url)).text()
  }
  const html = await open({ configuration })
  expect(html).toContain('Change plan')
  const offered = [...html.matchAll(/type="radio" name="price" value="([^"]*)"/g)]
  expect(offered.map((match) => match[1])).toEqual([prices.hobby, prices.research, prices.pro])
  const standard = await open({})
  expect(standard).toContain('Cancel plan')
  expect(standard).not.toContain('Change plan')
})

test('a folder of a release that changed the default configuration goes on working', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-stack-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const before = await startApi({ now: Date.now, stateFile: join(folder, 'stripe.json') })
  const { configurations } = before.stripe.billingPortal
  const { id: product } = await before.stripe.products.create({ name: 'Tollgate Hobby' })
  const price = await before.stripe.prices.create({
    product,
    currency: 'usd',
    unit_amount: 2900,
    recurring: { interval: 'month' },
    lookup_key: 'tollgate_hobby',
  })
  const [standard] = (await configurations.list({ is_default: true })).data
  const changed = await configurations.update(standard?.id ?? '', {
    features: {
      subscription_update: {
        enabled: true,
        default_allowed_updates: ['price'],
        products: [{ product, prices: [price.id] }],
      },
    },
  })
  await before.close()
  const { info, close } = await startStack({ folder })
  onTestFinished(close)
  expect(info.prices.hobby).toBe(price.id)
  const { data } = await clientOf(info).billingPortal.configurations.list()
  expect(data.find(({ id }) => id === standard?.id)).toEqual(changed)
  expect(data.find(({ id }) => id === info.portalConfiguration)).toMatchObject({
    is_default: false,
    metadata: { tollgate: 'portal' },
  })
})
