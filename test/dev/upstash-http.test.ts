// Upstash's REST protocol byte by byte, where the client never goes: paths, encodings, statuses and error bodies.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RedisServer } from '../../dev/redis/client.ts'
import { startRedis } from '../../dev/redis.ts'
import { type Served, serve } from '../../dev/serve.ts'
import { upstashApp } from '../../dev/upstash.ts'

const TOKEN = 'a-token'
let redis: RedisServer
let served: Served

beforeAll(async () => {
  redis = await startRedis()
  served = await serve(upstashApp({ redis, token: TOKEN, readOnlyToken: 'reader' }), 0, 'test')
})
afterAll(async () => {
  await served.close()
  await redis.close()
})

async function send(path: string, init: RequestInit & { token?: string } = {}) {
  const headers = new Headers(init.headers)
  headers.set('authorization', `Bearer ${init.token ?? TOKEN}`)
  const response = await fetch(served.url + path, { ...init, headers })
  const text = await response.text()
  return {
    status: response.status,
    body: text === '' ? null : JSON.parse(text),
    headers: response.headers,
  }
}
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  send(path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers,
  })
const refusal = (error: string) => ({ status: 400, body: { error } })

describe('a command in the path', () => {
  test('takes its arguments from the path and the query', async () => {
    expect(await send('/set/foo/bar?EX=100')).toMatchObject({ status: 200, body: { result: 'OK' } })
    expect((await send('/ttl/foo')).body.result).toBeGreaterThan(98)
    expect((await send('/get/foo')).body).toEqual({ result: 'bar' })
    expect((await send('/set/foo/baz?NX')).body).toEqual({ result: null })
    expect((await send('/set/a%2Fb/caf%C3%A9')).body).toEqual({ result: 'OK' })
    expect((await send('/mget/a%2Fb/none')).body).toEqual({ result: ['café', null] })
  })

  test('takes a body as its last argument before the query, byte for byte', async () => {
    expect(await post('/set/json?EX=100', '{"a":1}')).toMatchObject({ body: { result: 'OK' } })
    expect((await send('/get/json')).body).toEqual({ result: '{"a":1}' })
    const bytes = new Uint8Array([0, 255, 128, 13, 10, 65])
    await send('/set/bytes', { method: 'POST', body: bytes })
    const encoded = await send('/get/bytes', { headers: { 'upstash-encoding': 'base64' } })
    expect(encoded.body).toEqual({ result: Buffer.from(bytes).toString('base64') })
    expect((await send('/strlen/bytes')).body).toEqual({ result: 6 })
    expect((await send('/get/bytes')).body.result).toContain('\ufffd')
  })

  test('takes the token from the query, which the command does not see', async () => {
    const response = await fetch(`${served.url}/set/q/v?_token=${TOKEN}&EX=50`)
    expect(await response.json()).toEqual({ result: 'OK' })
    expect((await send('/ttl/q')).body.result).toBeGreaterThan(48)
    expect((await fetch(`${served.url}/get/q?_token=wrong`)).status).toBe(401)
  })
})

describe('a command in the body', () => {
  test('takes numbers and booleans as their text', async () => {
    await post('/', ['SET', 'number', 12.5])
    await post('/', ['SET', 'big', 1]) // then a number that no double holds
    await post('/', '["SET", "big", 9007199254740993]')
    await post('/', ['SET', 'flag', true])
    expect((await post('/', ['MGET', 'number', 'big', 'flag'])).body).toEqual({
      result: ['12.5', '9007199254740993', 'true'],
    })
  })

  test('that cannot be read is refused', async () => {
    expect(await post('/', '["GET", ')).toMatchObject(refusal('ERR failed to parse command'))
    expect(await post('/', '')).toMatchObject(refusal('ERR failed to parse command'))
    expect(await post('/', { command: ['GET'] })).toMatchObject(
      refusal('ERR failed to parse command'),
    )
    expect(await post('/', [])).toMatchObject(refusal('ERR empty command'))
    expect(await post('/', ['SET', 'k', null])).toMatchObject(
      refusal('ERR null args are not supported'),
    )
    expect(await post('/', ['SET', 'k', { a: 1 }])).toMatchObject(
      refusal('ERR unsupported arg type: "{": json.Delim'),
    )
    expect(await send('/')).toMatchObject(refusal('ERR empty command'))
  })

  test('that Redis refuses carries its words', async () => {
    await post('/', ['HSET', 'hash', 'a', 1])
    expect(await post('/', ['GET'])).toMatchObject(
      refusal("ERR wrong number of arguments for 'get' command"),
    )
    expect(await post('/', ['INCR', 'hash'])).toMatchObject(
      refusal('WRONGTYPE Operation against a key holding the wrong kind of value'),
    )
    expect(await post('/', ['SET', 'k', 'v', 'EX', 0])).toMatchObject(
      refusal("ERR invalid expire time in 'set' command"),
    )
    expect(await post('/', ['SET', 'k', 'v', 'NX', 'XX'])).toMatchObject(
      refusal('ERR syntax error'),
    )
    expect(await post('/', ['INCRBY', 'n', '1.5'])).toMatchObject(
      refusal('ERR value is not an integer or out of range'),
    )
  })

  test('that REST does not have is refused as Upstash does', async () => {
    for (const name of ['SUBSCRIBE', 'MONITOR', 'BLPOP', 'MULTI', 'SELECT', 'AUTH']) {
      expect(await post('/', [name, 'x', 0])).toMatchObject(
        refusal(`ERR Command "${name}" is not allowed in REST or it has a special context path`),
      )
    }
    for (const name of ['NOSUCH', 'CONFIG', 'SHUTDOWN']) {
      expect(await post('/', [name])).toMatchObject(
        refusal(
          `ERR Command is not available: '${name}'. See https://upstash.com/docs/redis/overall/rediscompatibility for details`,
        ),
      )
    }
  })
})

describe('a batch', () => {
  test('of a pipeline answers 200 with each result or error in its place', async () => {
    const { status, body } = await post('/pipeline', [
      ['SET', 'p', 1],
      ['INCR', 'hash'],
      [],
      ['NOSUCH'],
      ['GET', 'p', null],
      ['INCR', 'p'],
    ])
    expect(status).toBe(200)
    expect(body).toEqual([
      { result: 'OK' },
      { error: expect.stringMatching(/^WRONGTYPE/) },
      { error: 'ERR empty pipeline command' },
      { error: expect.stringMatching(/^ERR Command is not available: 'NOSUCH'/) },
      { error: 'ERR null args are not supported' },
      { result: 2 },
    ])
  })

  test('that cannot be read is refused', async () => {
    expect(await post('/pipeline', '{')).toMatchObject(
      refusal('ERR failed to parse pipeline request'),
    )
    expect(await post('/pipeline', {})).toMatchObject(
      refusal('ERR failed to parse pipeline request'),
    )
    expect(await post('/pipeline', [])).toMatchObject(refusal('ERR empty pipeline request'))
    expect(await post('/pipeline', [{ command: ['GET', 'x'] }])).toMatchObject(
      refusal('ERR failed to parse pipeline command'),
    )
    expect(await post('/multi-exec', [])).toMatchObject(refusal('ERR empty multi-exec request'))
  })

  test('of a transaction is refused whole for one command that is not there or malformed', async () => {
    for (const flawed of [
      ['NOSUCH'],
      ['SET', 'only-key'],
      ['SUBSCRIBE', 'x'],
      ['SET', 'k', null],
      [],
    ]) {
      const { status, body } = await post('/multi-exec', [['SET', 'untouched', 1], flawed])
      expect(status).toBe(400)
      expect(body).toEqual({ error: expect.stringMatching(/^ERR /) })
    }
    expect((await send('/exists/untouched')).body).toEqual({ result: 0 })
    expect(
      (
        await post('/multi-exec', [
          ['SET', 'm', 1],
          ['LPUSH', 'm', 'x'],
          ['INCR', 'm'],
        ])
      ).body,
    ).toEqual([{ result: 'OK' }, { error: expect.stringMatching(/^WRONGTYPE/) }, { result: 2 }])
  })
})

describe('the envelope', () => {
  test('base64 encodes every string but an OK at the top', async () => {
    const base64 = { 'upstash-encoding': 'base64' }
    const b64 = (text: string) => Buffer.from(text).toString('base64')
    expect((await post('/', ['SET', 'e', 'OK'], base64)).body).toEqual({ result: 'OK' })
    expect((await post('/', ['MGET', 'e', 'none'], base64)).body).toEqual({
      result: [b64('OK'), null],
    })
    expect((await post('/', ['PING'], base64)).body).toEqual({ result: b64('PONG') })
    expect((await post('/', ['EVAL', 'return {1, {"a"}}', 0], base64)).body).toEqual({
      result: [1, [b64('a')]],
    })
    expect((await post('/pipeline', [['ECHO', 'a'], ['GET']], base64)).body).toEqual([
      { result: b64('a') },
      { error: "ERR wrong number of arguments for 'get' command" },
    ])
    expect((await post('/', ['PING'])).headers.get('content-type')).toMatch(/^application\/json/)
  })

  test('a sync token comes with each answer and moves with a write', async () => {
    const token = async (command: string[]) =>
      Number((await post('/', command)).headers.get('upstash-sync-token'))
    const before = await token(['SET', 'sync', '1'])
    expect(await token(['SET', 'sync', '2'])).toBeGreaterThan(before)
  })

  test('RESP2 is refused with the reason', async () => {
    const { status, body } = await post('/', ['PING'], { 'upstash-response-format': 'resp2' })
    expect(status).toBe(400)
    expect(body.error).toMatch(/^ERR Upstash-Response-Format "resp2" is not supported/)
  })

  test('no token, a wrong one, a wrong method', async () => {
    const none = await fetch(`${served.url}/get/x`)
    expect(none.status).toBe(401)
    expect(await none.json()).toEqual({
      error:
        'WRONGPASS invalid or missing auth token. See https://docs.upstash.com/redis/troubleshooting/http_unauthorized for details.',
    })
    expect((await send('/get/x', { token: 'a-toke' })).status).toBe(401)
    expect((await send('/get/x', { token: 'reader' })).status).toBe(200)
    expect((await send('/set/x/y', { token: 'reader' })).body.error).toMatch(/^NOPERM /)
    expect((await send('/get/x', { method: 'DELETE' })).status).toBe(405)
    const preflight = await fetch(served.url, {
      method: 'OPTIONS',
      headers: { origin: 'https://a.example' },
    })
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://a.example')
  })
})
