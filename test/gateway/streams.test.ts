// What lasts: bodies chunk by chunk both ways, server-sent events, WebSockets; and what ends them.
import { describe, expect, test } from 'vitest'
import { gateway, payingCustomer, story } from '../support/origin.ts'

const app = gateway()
const { send } = app
const customer = await payingCustomer(app, 'pro')
const { key } = customer

/** Reads a body piece by piece. */
function reading(response: Response) {
  const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>
  return {
    next: async () => new TextDecoder().decode((await reader.read()).value),
    leave: () => reader.cancel(),
  }
}

describe('a body', () => {
  test('reaches the origin chunk by chunk, and comes back so', async () => {
    const { readable, writable } = new IdentityTransformStream()
    const writer = writable.getWriter()
    const write = (text: string) => writer.write(new TextEncoder().encode(text))
    const { response } = await send('/duplex', { key, method: 'POST', body: readable })
    const answer = reading(response)
    for (const text of ['one', 'two', 'three']) {
      // Each is written only once the one before it has come back.
      const [back] = await Promise.all([answer.next(), write(text)])
      expect(back).toBe(text)
    }
    await writer.close()
    expect(await answer.next()).toBe('')
  })

  test('that the origin breaks off breaks off at the client', async () => {
    const { response } = await send('/breaks-off', { key })
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
  })

  test('is let go at the origin when its reader leaves', async () => {
    const { id, closed } = story()
    const { response } = await send(`/endless?id=${id}`, { key })
    const body = reading(response)
    await body.next()
    await body.leave()
    await closed()
  })

  test('is let go at the origin when the client’s connection ends', async () => {
    const { id, closed } = story()
    const client = new AbortController()
    const { response } = await send(`/endless?id=${id}`, { key, signal: client.signal })
    const body = reading(response)
    expect(await body.next()).toBe('data: first\n\n')
    client.abort()
    await closed()
  })
})

test('server-sent events pass one by one, however long after the time limit', async () => {
  const { id, openGate } = story()
  const { response, settled } = await send(`/events?id=${id}`, { key })
  expect(response.headers.get('Content-Type')).toBe('text/event-stream')
  const events = reading(response)
  expect(await events.next()).toBe('data: first\n\n')
  await settled()
  app.ringTimers()
  await openGate()
  expect(await events.next()).toBe('data: second\n\n')
  expect(await events.next()).toBe('')
})

describe('a WebSocket', () => {
  async function open(path = '/socket', headers: Record<string, string> = {}) {
    const answer = await send(path, { key, headers: { Upgrade: 'websocket', ...headers } })
    const socket = answer.response.webSocket
    if (!socket) throw new Error(`${answer.response.status} without a socket`)
    const heard: (string | ArrayBuffer)[] = []
    const waiting: ((data: string | ArrayBuffer) => void)[] = []
    socket.addEventListener('message', ({ data }) => {
      const next = waiting.shift()
      if (next) next(data)
      else heard.push(data)
    })
    const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve))
    socket.accept()
    const next = async () =>
      heard.shift() ?? new Promise<string | ArrayBuffer>((resolve) => waiting.push(resolve))
    return { ...answer, socket, closed, next, handshake: JSON.parse(String(await next())) }
  }

  test('opens with our headers, and speaks both ways beyond the time limit', async () => {
    const { response, socket, next, closed, settled } = await open()
    expect(response.status).toBe(101)
    expect(response.headers.get('RateLimit')).toContain('"api-calls"')
    expect(response.headers.get('Server-Timing')).toContain('paywall')
    expect(response.headers.get('X-Request-Id')).toMatch(/^[0-9a-f]{24}-[0-9a-z]+$/)
    await settled()
    app.ringTimers()
    socket.send('hello')
    expect(await next()).toBe('echo hello')
    socket.send(new Uint8Array([1, 2, 3]))
    expect(await new Response(await next()).bytes()).toEqual(new Uint8Array([1, 2, 3]))
    socket.send('bye')
    expect(await closed).toMatchObject({ code: 4001, reason: 'said bye' })
  })

  test('is told who calls, and not the key', async () => {
    const { handshake, socket } = await open('/socket?a=b', { Cookie: 'a=b', 'X-User-Id': 'root' })
    const names = handshake.headers.map(([name]: [string]) => name.toLowerCase())
    expect(handshake.url).toBe('/socket?a=b')
    expect(names).toContain('tollgate-identity')
    expect(names).not.toContain('cookie')
    expect(names).not.toContain('x-user-id')
    expect(JSON.stringify(handshake)).not.toContain(key)
    socket.close()
  })

  test('agrees on a subprotocol with the origin', async () => {
    const { response, socket } = await open('/socket', { 'Sec-WebSocket-Protocol': 'chat, other' })
    expect(response.headers.get('Sec-WebSocket-Protocol')).toBe('chat')
    socket.close()
  })

  test('that the client closes is closed at the origin', async () => {
    const { id, closed } = story()
    const { socket } = await open(`/socket?id=${id}`)
    socket.close(1000)
    await closed()
  })

  test('costs one call, at the handshake', async () => {
    const before = await app.used(customer)
    const { socket, next, settled } = await open()
    socket.send('more')
    await next()
    await settled()
    expect(await app.used(customer)).toBe(before + 1)
    socket.close()
  })

  test('is refused where the origin refuses it, in the origin’s words', async () => {
    const { response } = await send('/refuses', { key, headers: { Upgrade: 'websocket' } })
    expect([response.status, await response.text()]).toEqual([403, 'no'])
  })

  test('is asked for by GET alone, and by no other word', async () => {
    for (const [method, upgrade] of [
      ['POST', 'websocket'],
      ['GET', 'h2c'],
    ] as const) {
      const { response } = await send('/echo', { key, method, headers: { Upgrade: upgrade } })
      expect(response.status).toBe(200)
      expect(await response.text()).not.toMatch(/"upgrade"/i)
    }
  })

  test('needs a paid key', async () => {
    const { id, hits } = story()
    const { response } = await send(`/socket?id=${id}`, { headers: { Upgrade: 'websocket' } })
    expect([response.status, await hits()]).toEqual([401, 0])
  })
})
