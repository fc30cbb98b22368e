// An origin that is slow, away or broken, and callers who leave: what each hears, and that nothing is sent twice.
import { describe, expect, test } from 'vitest'
import { unique } from '../support/app.ts'
import { gateway, payingCustomer, story } from '../support/origin.ts'

const app = gateway()
const { send, logs } = app
const customer = await payingCustomer(app, 'pro')
const { key } = customer

const problemOf = async (response: Response) => {
  const text = await response.text()
  return { text, ...(JSON.parse(text) as { code: string; request_id: string }) }
}

describe('an origin that does not answer in time', () => {
  test.each(['GET', 'POST'])('is 504 to %s, let go and free of charge', async (method) => {
    const before = await app.used(customer)
    const { id, reached, closed, hits } = story()
    const waiting = send(`/hangs?id=${id}`, {
      key,
      method,
      ...(method === 'POST' && { body: 'x' }),
    })
    await reached()
    app.ringTimers()
    const { response, settled } = await waiting
    const { code, request_id } = await problemOf(response)
    expect([response.status, code]).toEqual([504, 'origin_timeout'])
    expect(logs.find(({ fields }) => fields.request_id === request_id)?.event).toBe(code)
    await closed()
    await settled()
    expect([await hits(), await app.used(customer)]).toEqual([1, before])
  })

  test('is given 30 seconds', async () => {
    const asked: number[] = []
    const { deps } = app
    const { signalAfter } = deps
    deps.signalAfter = (milliseconds) => {
      asked.push(milliseconds)
      return signalAfter(milliseconds)
    }
    const { settled } = await send('/echo', { key })
    deps.signalAfter = signalAfter
    await settled()
    expect(asked).toContain(30_000)
  })
})

describe('an origin that', () => {
  const elsewhere = (url: string) => gateway('', { ORIGIN_URL: url }).send

  test.each([
    ['ends the connection', '/resets'],
    ['speaks no HTTP', '/speaks-no-http'],
    ['answers with a status that is none', '/echo?status=999'],
    ['answers with a status just above the last', '/echo?status=600'],
  ])('%s is 502, asked once and free of charge', async (_, path) => {
    const before = await app.used(customer)
    const { id, hits } = story()
    for (const [nth, init] of [{}, { method: 'POST', body: 'x' }].entries()) {
      const query = `${path.includes('?') ? '&' : '?'}id=${id}`
      const { response, settled } = await send(path + query, { key, ...init })
      const { code, request_id } = await problemOf(response)
      expect([response.status, code]).toEqual([502, 'origin_unavailable'])
      expect(response.headers.get('X-Request-Id')).toBe(request_id)
      expect(logs.find(({ fields }) => fields.request_id === request_id)?.event).toBe(code)
      await settled()
      expect(await hits()).toBe(nth + 1)
    }
    expect(await app.used(customer)).toBe(before)
  })

  test.each([
    ['is not there', 'http://127.0.0.1:9'],
    ['has no address', 'https://origin.invalid'],
  ])('%s is 502, which tells nothing of where it should be', async (_, url) => {
    const { response } = await elsewhere(url)('/echo?secret=hush', { key })
    const { code, text } = await problemOf(response)
    expect([response.status, code]).toEqual([502, 'origin_unavailable'])
    expect(text).not.toMatch(/127\.0\.0\.1|invalid|:9|hush/)
  })

  test('fails itself is heard as it is, and asked once', async () => {
    const { id, hits } = story()
    const { response } = await send(`/echo?status=503&id=${id}`, { key, method: 'PUT', body: 'x' })
    expect([response.status, await hits()]).toEqual([503, 1])
  })

  test('refuses a WebSocket by hanging up is 502', async () => {
    const { response } = await elsewhere('http://127.0.0.1:9')('/socket', {
      key,
      headers: { Upgrade: 'websocket' },
    })
    expect([response.status, (await problemOf(response)).code]).toEqual([502, 'origin_unavailable'])
  })
})

test('what the log keeps of a failure has neither key nor query', async () => {
  const requestId = unique('trace')
  await send('/resets?token=hush', { key, headers: { 'X-Request-Id': requestId } })
  const line = JSON.stringify(logs.filter(({ fields }) => fields.request_id === requestId))
  expect(line).toContain('origin_unavailable')
  expect(line).not.toContain('hush')
  expect(line).not.toContain(key)
})

test('a caller who leaves is left: the origin’s work ends, and is charged', async () => {
  const before = await app.used(customer)
  const { id, reached, closed, hits } = story()
  const client = new AbortController()
  const waiting = send(`/hangs?id=${id}`, { key, signal: client.signal })
  await reached()
  client.abort()
  await closed()
  const { settled } = await waiting
  await settled()
  expect([await hits(), await app.used(customer)]).toEqual([1, before + 1])
  expect(logs.filter(({ event }) => event === 'origin_timeout')).toHaveLength(2)
})

test('a caller who left before it was his turn does not reach the origin', async () => {
  const { id, hits } = story()
  const { response } = await send(`/echo?id=${id}`, { key, signal: AbortSignal.abort() })
  expect([response.status, await hits()]).toEqual([499, 0])
})
