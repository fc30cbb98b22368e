// What counts as one network and one site, and the limiter of the calls that make Stripe work.
import { describe, expect, test } from 'vitest'
import { networkOf, siteOf } from '../src/throttle.ts'
import { signUp, testApp } from './support/app.ts'

test.each([
  ['192.0.2.7', '192.0.2.7', undefined],
  ['2001:db8:a:b:1:2:3:4', '2001:db8:a:b::/64', '2001:db8:a::/48'],
  ['2001:0DB8:000a:000b::1', '2001:db8:a:b::/64', '2001:db8:a::/48'],
  ['2001:db8::1', '2001:db8:0:0::/64', '2001:db8:0::/48'],
  ['::1', '0:0:0:0::/64', '0:0:0::/48'],
  ['::ffff:192.0.2.7', '0:0:0:0::/64', '0:0:0::/48'],
  ['', 'unknown', undefined],
  [undefined, 'unknown', undefined],
])('%s is of the network %s and the site %s', (address, network, site) => {
  expect([networkOf(address), siteOf(address)]).toEqual([network, site])
})

describe('calls that make Stripe work', () => {
  const app = testApp()
  const urls = { success_url: 'https://a.example.com/', cancel_url: 'https://a.example.com/' }
  const calls = {
    '/billing/checkout/session': { tier: 'hobby', ...urls },
    '/billing/portal': { return_url: urls.cancel_url },
  }

  test.each(Object.keys(calls) as (keyof typeof calls)[])(
    '%s is refused to one account after a while, and to no other',
    async (path) => {
      const [busy, other] = [await signUp(app), await signUp(app)]
      // Refused for what it says, so that Stripe is spared; two windows of the limiter can meet.
      const statuses = new Set<number>()
      for (let i = 0; i < 41; i += 1) {
        statuses.add((await app.call('POST', path, { token: busy.token, body: {} })).status)
      }
      expect(statuses).toEqual(new Set([422, 429]))
      const { json, headers } = await app.call('POST', path, {
        token: busy.token,
        body: calls[path],
      })
      expect([json.code, headers.get('Retry-After')]).toEqual(['too_many_attempts', '60'])
      const answer = await app.call('POST', path, { token: other.token, body: {} })
      expect(answer.status).toBe(422)
    },
  )

  test('share one limit, by token or by key', async () => {
    const { token, key } = await signUp(app)
    const keys: string[] = []
    app.deps.limiters.billing = {
      async allows(of) {
        keys.push(of)
        return true
      },
    }
    await app.call('POST', '/billing/portal', { token, body: {} })
    await app.call('POST', '/billing/checkout/session', { key, body: {} })
    await app.call('GET', '/billing/plans')
    expect(keys).toHaveLength(2)
    expect(new Set(keys).size).toBe(1)
  })
})
