// Test keys in front of a seller's own API: spared by default, told where the seller wants to hear of them.
import { jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { signUp, type TestApp } from '../support/app.ts'
import { makeKey } from '../support/keys.ts'
import { gateway, originUrl, payingCustomer, SIGNING_SECRET, story } from '../support/origin.ts'

const valuesOf = (headers: [string, string][], name: string) =>
  headers.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value)
const testKey = async (app: TestApp) => {
  const person = await signUp(app)
  return { person, key: (await makeKey(app, person, { mode: 'test' })).key }
}
const claims = async (headers: [string, string][]) =>
  (
    await jwtVerify(
      valuesOf(headers, 'tollgate-identity')[0] ?? '',
      new TextEncoder().encode(SIGNING_SECRET),
      { audience: originUrl },
    )
  ).payload

describe('by default', () => {
  const app = gateway('/v1')

  test.each(['GET', 'POST', 'DELETE'])(
    '%s is answered with a sample; the origin hears nothing',
    async (method) => {
      const { key } = await testKey(app)
      const { id, hits } = story()
      const { response, settled } = await app.send(`/anything?id=${id}`, { method, key })
      expect([response.status, response.headers.get('Tollgate-Mode')]).toEqual([200, 'test'])
      expect(response.headers.get('Content-Type')).toContain('application/json')
      expect(response.headers.get('Cache-Control')).toBe('no-store')
      const first = await response.text()
      expect(JSON.parse(first)).toEqual({ sample: true, detail: expect.any(String) })
      await settled()
      const other = await app.send('/another', { key })
      expect(await other.response.text()).toBe(first)
      await other.settled()
      expect(await hits()).toBe(0)
    },
  )

  test('HEAD has no body', async () => {
    const { key } = await testKey(app)
    const { response, settled } = await app.send('/anything', { method: 'HEAD', key })
    expect([response.status, await response.text()]).toEqual([200, ''])
    await settled()
  })

  test('what would never reach the origin is refused as always', async () => {
    const { key } = await testKey(app)
    const { response, settled } = await app.send(`/echo?key=${key}`, { key })
    expect(response.status).toBe(422)
    expect(response.headers.get('Tollgate-Mode')).toBe('test')
    await response.text()
    await settled()
  })
})

describe('with ORIGIN_TEST_CALLS=forward', () => {
  const app = gateway('/v1', { ORIGIN_TEST_CALLS: 'forward' })

  test('the origin hears the call, and that it is a test, in a header and in what is signed', async () => {
    const { person, key } = await testKey(app)
    const { headers } = await app.heard('/echo', {
      key,
      headers: { 'Tollgate-Mode': 'live', 'X-Tollgate-Mode': 'live' },
    })
    expect(valuesOf(headers as [string, string][], 'tollgate-mode')).toEqual(['test'])
    expect(await claims(headers as [string, string][])).toMatchObject({
      mode: 'test',
      sub: person.id,
    })
  })

  test('a live call says live, and nobody makes it a test or hands an outcome on', async () => {
    const customer = await payingCustomer(app)
    const { headers } = await app.heard('/echo', {
      key: customer.key,
      headers: { 'Tollgate-Mode': 'test', 'Tollgate-Test-Outcome': 'past_due' },
    })
    const all = headers as [string, string][]
    expect(valuesOf(all, 'tollgate-mode')).toEqual([])
    expect(valuesOf(all, 'tollgate-test-outcome')).toEqual([])
    expect(await claims(all)).toMatchObject({ mode: 'live' })
  })

  test('is not charged, whatever the origin says that it cost', async () => {
    const customer = await payingCustomer(app)
    const { key } = await makeKey(app, customer, { mode: 'test' })
    const { response, settled } = await app.send('/echo?header=Tollgate-Cost:7', { key })
    await response.text()
    await settled()
    expect(response.headers.get('Tollgate-Mode')).toBe('test')
    expect(await app.used(customer)).toBe(0)
  })

  test('an outcome is acted out here; the origin hears nothing', async () => {
    const { key } = await testKey(app)
    const { id, hits } = story()
    for (const [outcome, status] of [
      ['past_due', 402],
      ['quota_exceeded', 429],
      ['rate_limited', 429],
    ] as const) {
      const { response, settled } = await app.send(`/echo?id=${id}`, {
        key,
        headers: { 'Tollgate-Test-Outcome': outcome },
      })
      expect([response.status, response.headers.get('Tollgate-Mode')]).toEqual([status, 'test'])
      await response.text()
      await settled()
    }
    expect(await hits()).toBe(0)
  })
})
