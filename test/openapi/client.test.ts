// A client in TypeScript that is generated from the document goes the whole way: register, plans, Checkout, payment,
// a data set, usage. What it may send and will read is checked by the compiler: this file has no type of its own.
import { createExecutionContext, env, waitOnExecutionContext } from 'cloudflare:test'
import createClient from 'openapi-fetch'
import { expect, test } from 'vitest'
import { freshAddress, testApp, unique } from '../support/app.ts'
import { deliverNew, pay } from '../support/stripe.ts'
import type { paths } from './api-types.d.ts'

const app = testApp()

/** The Worker as a host that can be fetched from. */
async function fetchFromWorker(request: Request): Promise<Response> {
  const ctx = createExecutionContext()
  request.headers.set('CF-Connecting-IP', freshAddress())
  const response = await app.app.request(request, {}, env, ctx)
  // All of it, so that what it cost is settled.
  const body = await response.arrayBuffer()
  await waitOnExecutionContext(ctx)
  return new Response(body.byteLength > 0 ? body : null, response)
}

const client = createClient<paths>({
  baseUrl: 'https://api.example.com/api/v1',
  fetch: fetchFromWorker,
})

test('the generated client buys, calls and sees what it used', async () => {
  const registered = await client.POST('/auth/register', {
    body: { email: `${unique('client')}@example.com`, password: unique('a long password') },
  })
  expect(registered.response.status).toBe(200)
  const { access_token = '', api_key = '' } = registered.data ?? {}
  const headers = { Authorization: `Bearer ${access_token}` }

  const { data: offered } = await client.GET('/billing/plans')
  const [smallest] = offered?.plans ?? []
  expect(smallest?.price).toEqual({ amount: 2_900, currency: 'usd', interval: 'month' })

  const order = {
    headers: { 'X-API-Key': api_key },
    body: {
      dataset_type: 'reaction_trajectories',
      params: { runs: 1, max_reactions: 5 },
      format: 'json',
    },
  } as const
  const refused = await client.POST('/datasets/generate', order)
  // The code tells which members there are.
  if (refused.error?.code !== 'subscription_required') throw new Error('The paywall stands open')
  const { tier, success_url, cancel_url } = refused.error.checkout.body

  const { data: session } = await client.POST('/billing/checkout/session', {
    headers,
    body: { tier, success_url, cancel_url },
  })
  await pay(session?.session_id ?? '')
  const { customer } = await app.deps.stripe.checkout.sessions.retrieve(session?.session_id ?? '')
  await deliverNew(app, String(customer), new Set())

  const { data: dataset } = await client.POST('/datasets/generate', order)
  if (typeof dataset !== 'object') throw new Error('It is not read as JSON')
  expect(dataset.rows).toHaveLength(5)
  expect(dataset.end).toMatchObject({ rows: 5, reactions: 5 })

  const { data: usage } = await client.GET('/billing/usage', { headers })
  expect(usage?.current_month).toMatchObject({ api_calls: 1, reactions: 5 })

  const { data: key } = await client.POST('/keys', {
    headers,
    body: { name: 'a test', mode: 'test' },
  })
  const path = { id: key?.id ?? '' }
  expect((await client.DELETE('/keys/{id}', { headers, params: { path } })).response.status).toBe(
    204,
  )
  expect((await client.GET('/keys/{id}', { headers, params: { path } })).error?.code).toBe(
    'not_found',
  )
})

test('the compiler refuses what the API would', () => {
  // @ts-expect-error: no such path
  void (() => client.GET('/billing/planz'))
  // @ts-expect-error: no such plan
  void (() => client.POST('/auth/register', { body: { email: '', password: '', tier: 'huge' } }))
  const body = { dataset_type: 'autocatalysis_network', format: 'csv' } as const
  // @ts-expect-error: graphs are not written as CSV
  void (() => client.POST('/datasets/generate', { body }))
})
