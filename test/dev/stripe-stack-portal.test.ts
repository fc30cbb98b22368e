// The stack's own portal: a buyer may change between the plans that it sells.
import { Stripe } from 'stripe'
import { expect, inject, test } from 'vitest'

test('the stack’s portal offers its plans to change to', async () => {
  const { stripeApiBase, stripeSecretKey, prices } = inject('stack')
  const { hostname, port } = new URL(stripeApiBase)
  const stripe = new Stripe(stripeSecretKey, { host: hostname, port, protocol: 'http' })
  const customer = await stripe.customers.create({
    payment_method: 'pm_card_visa',
    email: 'portal@example.com',
  })
  const [card] = (await stripe.customers.listPaymentMethods(customer.id)).data
  await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: prices.hobby }],
    default_payment_method: card?.id ?? '',
  })
  const { url } = await stripe.billingPortal.sessions.create({ customer: customer.id })
  const html = await (await fetch(url)).text()
  expect(html).toContain('Change plan')
  const offered = [...html.matchAll(/type="radio" name="price" value="([^"]*)"/g)]
  expect(offered.map((match) => match[1])).toEqual([prices.hobby, prices.research, prices.pro])
})
