// `npm run stripe:setup`: a webhook endpoint that was there, and is not as the Worker needs it.
import Stripe from 'stripe'
import { expect, test } from 'vitest'
import { EVENT_TYPES } from '../../src/billing/event-types.ts'
import { complete, startSetup, WEBHOOK, WORKER } from './stripe-setup-run.ts'

test('an endpoint with other events is set right, and its secret is not asked for again', async () => {
  const setup = await complete()
  const [endpoint] = (await setup.stripe.webhookEndpoints.list()).data
  await setup.stripe.webhookEndpoints.update(endpoint?.id ?? '', {
    enabled_events: [...EVENT_TYPES.slice(1), 'invoice.created'],
    disabled: true,
  })
  const shown = await setup.run(['--url', WORKER])
  expect(shown.code).toBe(2)
  expect(shown.output).toContain(
    '+checkout.session.completed, -invoice.created, disabled -> enabled',
  )
  await setup.run(['--url', WORKER, '--yes'])
  const [after] = (await setup.stripe.webhookEndpoints.list()).data
  expect(after).toMatchObject({ id: endpoint?.id, status: 'enabled' })
  expect(after?.enabled_events.toSorted()).toEqual([...EVENT_TYPES].toSorted())
})

test('an endpoint of another API version is replaced with --yes, and switched off', async () => {
  const setup = await startSetup()
  const old = await setup.stripe.webhookEndpoints.create({
    url: WEBHOOK,
    enabled_events: ['*'],
    api_version: '2024-06-20',
  })
  const shown = await setup.run(['--url', WORKER])
  expect(shown.code).toBe(2)
  expect(shown.output).toContain(`${old.id} has API 2024-06-20`)
  expect(setup.sim.data.webhookEndpoints.size).toBe(1)
  const { vars, code } = await setup.run(['--url', `${WEBHOOK}/`, '--yes'])
  expect(code).toBe(0)
  expect(vars.STRIPE_WEBHOOK_SECRET).toMatch(/^whsec_/)
  const { data } = await setup.stripe.webhookEndpoints.list()
  expect(data.map(({ api_version, status }) => [api_version, status]).sort()).toEqual([
    ['2024-06-20', 'disabled'],
    [Stripe.API_VERSION, 'enabled'],
  ])
})

test('an endpoint that was deleted is made anew, with a secret that is its own', async () => {
  const setup = await complete()
  const [endpoint] = (await setup.stripe.webhookEndpoints.list()).data
  const former = setup.sim.data.webhookSecrets.get(endpoint?.id ?? '')
  await setup.stripe.webhookEndpoints.del(endpoint?.id ?? '')
  const { vars } = await setup.run(['--url', WORKER])
  expect(vars.STRIPE_WEBHOOK_SECRET).toMatch(/^whsec_/)
  expect(vars.STRIPE_WEBHOOK_SECRET).not.toBe(former)
  expect((await setup.stripe.webhookEndpoints.list()).data).toHaveLength(1)
})

test('the Worker at another URL has an endpoint of its own', async () => {
  const setup = await complete()
  const { output } = await setup.run(['--url', 'https://staging.example.com'])
  expect(output).toContain(`of another Worker, ${WEBHOOK}`)
  const { data } = await setup.stripe.webhookEndpoints.list()
  expect(data.map(({ status }) => status)).toEqual(['enabled', 'enabled'])
})

test('a step that fails does not cost the secret of the endpoint', async () => {
  const setup = await startSetup()
  const key = setup.env.STRIPE_SECRET_KEY
  await setup.stripe.webhookEndpoints.create({ url: WEBHOOK, enabled_events: ['*'] })
  setup.refuse = (request) =>
    /POST .*webhook_endpoints\/we_/.test(request)
      ? Response.json({ error: { message: `No, ${key}`, type: 'x' } }, { status: 400 })
      : undefined
  const { code, vars, output } = await setup.run(['--url', WORKER, '--yes'])
  expect(code).toBe(1)
  expect(vars.STRIPE_WEBHOOK_SECRET).toMatch(/^whsec_/)
  expect(output).toContain('Stripe refused: No, [redacted]')
  expect(output).not.toContain(key)
})
