// What a forwarded call costs: one, or what the origin says, and nothing when it fails.
import { env } from 'cloudflare:test'
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import type { AppEnv, Guard, PaidCall } from '../../src/context.ts'
import type { Units } from '../../src/data/leases.ts'
import { gatewayRoutes } from '../../src/gateway/routes.ts'
import { openRequest } from '../../src/http/middleware.ts'
import { gateway, payingCustomer } from '../support/origin.ts'

const app = gateway()

describe('on the customer’s account', () => {
  test.each([
    ['an answer', '/echo', 1],
    ['a refusal by the origin', '/echo?status=404', 1],
    ['a redirect', '/echo?status=302', 1],
    ['a failure of the origin', '/echo?status=500', 0],
    ['a failure of the origin that names a price', '/echo?status=503&header=Tollgate-Cost:5', 0],
    ['an answer that costs one', '/echo?header=Tollgate-Cost:1', 1],
    ['an answer that costs five', '/echo?header=Tollgate-Cost:5', 5],
    ['an answer that costs nothing', '/echo?header=Tollgate-Cost:0', 0],
    ['an answer that costs more than the quota holds', '/echo?header=Tollgate-Cost:5000', 1000],
    ['an answer whose price cannot be read', '/echo?header=Tollgate-Cost:many', 1],
  ])('%s (%s) is %i', async (_, path, expected) => {
    const person = await payingCustomer(app)
    const { response, settled } = await app.send(path, { key: person.key })
    await response.text()
    await settled()
    expect(response.headers.has('Tollgate-Cost')).toBe(false)
    expect(await app.used(person)).toBe(expected)
  })
})

test('a price shows in RateLimit from the next answer on', async () => {
  const { key } = await payingCustomer(app)
  const left: (string | undefined)[] = []
  for (const path of ['/echo?header=Tollgate-Cost:5', '/echo', '/echo']) {
    const { response } = await app.send(path, { key })
    await response.text()
    left.push(/"api-calls";r=(\d+)/.exec(response.headers.get('RateLimit') ?? '')?.[1])
  }
  expect(left).toEqual(['999', '994', '993'])
})

describe('to the paywall', () => {
  /** What it was told, by a guard that stands where the paywall does. */
  async function costsOf(header: string): Promise<Units[]> {
    const told: Units[] = []
    const paid = {
      account: { userId: 'somebody' },
      tier: 'hobby',
      costs: (units) => told.push(units),
    } as Pick<PaidCall, 'tier' | 'costs'> & { account: { userId: string } } as PaidCall
    const door: Guard = async (c, next) => {
      c.set('paid', paid)
      c.set('requestId', 'some-request')
      await next()
    }
    const shop = new Hono<AppEnv>()
    shop.use(openRequest(() => app.deps))
    shop.route('/', gatewayRoutes({ paywall: () => door, isOurs: () => false }))
    const query = new URLSearchParams({ header: `Tollgate-Cost: ${header}` })
    const response = await shop.request(`/echo?${query}`, {}, env)
    expect([response.status, response.headers.has('Tollgate-Cost')]).toEqual([200, false])
    return told
  }

  test.each([
    ['0', 0],
    ['1', 1],
    ['007', 7],
    ['12', 12],
    ['1000000', 1_000_000],
  ])('%s is told as %i calls', async (header, apiCalls) => {
    expect(await costsOf(header)).toEqual([{ apiCalls, reactions: 0 }])
  })

  test.each([
    '1000001',
    '9999999',
    '99999999999999999999',
    '-1',
    '+1',
    '1.5',
    '1e3',
    '0x10',
    '1, 2',
    '1 2',
    'NaN',
    '',
  ])('%j is told to the log, and not to it', async (header) => {
    const before = app.logs.length
    expect(await costsOf(header)).toEqual([])
    expect(app.logs.slice(before).map(({ event }) => event)).toEqual(['origin_cost_malformed'])
  })
})
