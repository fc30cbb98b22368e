// What survives a restart, and what happens to listeners.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSimulator } from '../../dev/stripe/create-simulator.ts'
import { buy, newPrice, type ServedApi, startApi } from './stripe-api-client.ts'

let folder = ''
let api: ServedApi | null = null
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stripe-state-'))
})
afterEach(async () => {
  await api?.close()
  rmSync(folder, { recursive: true })
})

test('everything is there again after a restart, the clock and the idempotency keys too', async () => {
  const stateFile = join(folder, 'deep', 'stripe.json')
  api = await startApi({ stateFile })
  const price = await newPrice(api.stripe)
  const { customer, subscription } = await buy(api, price.id)
  const renewal = api.sim.nextRenewal(customer.id) ?? 0
  api.sim.advanceCustomer(customer.id, renewal)
  const made = await api.stripe.customers.create({}, { idempotencyKey: 'k1' })
  const events = (await api.stripe.events.list({ limit: 100 })).data
  await api.close()
  expect(readdirSync(join(folder, 'deep'))).toEqual(['stripe.json'])

  api = await startApi({ stateFile })
  expect(await api.stripe.subscriptions.retrieve(subscription.id)).toMatchObject({
    items: { data: [{ current_period_start: renewal }] },
  })
  expect(api.sim.customerNow(customer.id)).toBe(renewal)
  expect((await api.stripe.customers.create({}, { idempotencyKey: 'k1' })).id).toBe(made.id)
  expect((await api.stripe.events.list({ limit: 100 })).data).toEqual(events)
  // The draft of the renewal still has its appointment.
  api.sim.advanceCustomer(customer.id, renewal + 3600)
  const [invoice] = (await api.stripe.invoices.list({ subscription: subscription.id })).data
  expect(invoice?.status).toBe('paid')
})

test('one default portal configuration, however often it starts', async () => {
  const stateFile = join(folder, 'stripe.json')
  for (let i = 0; i < 2; i += 1) {
    api = await startApi({ stateFile })
    await api.stripe.products.create({ name: 'x' })
    expect((await api.stripe.billingPortal.configurations.list()).data).toHaveLength(1)
    await api.close()
  }
})

test('a file that is something else is not overwritten', () => {
  const stateFile = join(folder, 'notes.json')
  writeFileSync(stateFile, '{"mine":true}')
  const options = {
    secretKey: 'sk_test_a',
    publishableKey: 'pk_test_a',
    baseUrl: () => '',
    stateFile,
  }
  expect(() => createSimulator(options)).toThrow('not a state file of the Stripe simulator')
})

test('listeners hear events once the request is done, and one that throws spoils nothing', async () => {
  api = await startApi()
  const { sim, stripe } = api
  const seen: boolean[] = []
  const errors: unknown[] = []
  const { error } = console
  console.error = (...what: unknown[]) => errors.push(what)
  sim.onEvent(() => {
    throw new Error('the listener is broken')
  })
  sim.onEvent(({ data }) =>
    seen.push('id' in data.object && sim.data.customers.has(String(data.object.id))),
  )
  await stripe.customers.create()
  console.error = error
  expect(seen).toEqual([true])
  expect(errors).toHaveLength(1)
})
