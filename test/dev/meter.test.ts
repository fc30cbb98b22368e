// What the meter counts of the unmodified clients' requests, and of those that no client makes.
import { neon } from '@neondatabase/serverless'
import { Redis } from '@upstash/redis'
import { Hono } from 'hono'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { redisCommands, sqlStatements, withMeter } from '../../dev/meter.ts'
import type { RedisServer } from '../../dev/redis/client.ts'
import { startRedis } from '../../dev/redis.ts'
import { type Served, serve } from '../../dev/serve.ts'
import { upstashApp } from '../../dev/upstash.ts'
import { CONNECTION_STRING, type NeonUnderTest, startNeon } from './neon-fixture.ts'

/** What the meter at `origin` has counted. */
async function counted(origin: string): Promise<unknown> {
  const response = await fetch(`${origin}/_meter`)
  expect(response.status).toBe(200)
  return response.json()
}
async function reset(origin: string): Promise<void> {
  expect((await fetch(`${origin}/_meter`, { method: 'DELETE' })).status).toBe(204)
}

describe('in front of Upstash', () => {
  const token = 'a-token'
  let redis: RedisServer
  let served: Served
  let client: Redis

  beforeAll(async () => {
    redis = await startRedis()
    served = await serve(withMeter(upstashApp({ redis, token }), redisCommands), 0, 'test')
    client = new Redis({
      url: served.url,
      token,
      enableTelemetry: false,
      enableAutoPipelining: false,
    })
  })
  afterAll(async () => {
    await served.close()
    await redis.close()
  })
  beforeEach(() => reset(served.url))

  test('a command is one', async () => {
    await client.set('a', 1)
    expect(await client.get('a')).toBe(1)
    expect(await counted(served.url)).toEqual({ requests: 2, commands: 2 })
  })

  test('a pipeline is one request of as many commands as it holds', async () => {
    expect(await client.pipeline().set('a', 1).incr('a').get('a').exec()).toEqual(['OK', 2, 2])
    expect(await counted(served.url)).toEqual({ requests: 1, commands: 3 })
  })

  test('a transaction is one request of as many commands as it holds', async () => {
    expect(await client.multi().set('a', 1).incr('a').exec()).toEqual(['OK', 2])
    expect(await counted(served.url)).toEqual({ requests: 1, commands: 2 })
  })

  test('a script is one command, whatever it calls', async () => {
    const script = "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('INCR', KEYS[1])"
    expect(await client.eval(script, ['a'], ['1'])).toBe(2)
    expect(await counted(served.url)).toEqual({ requests: 1, commands: 1 })
  })

  test('commands that meet in one pipeline of the client are told apart', async () => {
    const batching = new Redis({ url: served.url, token, enableTelemetry: false })
    await Promise.all([batching.set('a', 1), batching.set('b', 2)])
    expect(await counted(served.url)).toEqual({ requests: 1, commands: 2 })
  })

  test.each([
    ['GET', '/set/a/1', undefined, 1],
    ['PUT', '/set/a', '1', 1],
    ['POST', '/', '["FLY"]', 1],
    ['POST', '/pipeline', 'not JSON', 0],
    ['POST', '/multi-exec', '{}', 0],
    ['HEAD', '/get/a', undefined, 0],
    ['OPTIONS', '/get/a', undefined, 0],
  ])('%s %s with the body %s: %i', async (method, path, body, commands) => {
    const authorization = `Bearer ${token}`
    await fetch(served.url + path, {
      method,
      headers: { authorization },
      ...(body === undefined ? {} : { body }),
    })
    expect(await counted(served.url)).toEqual({ requests: 1, commands })
  })
})

describe('in front of Neon', () => {
  let server: NeonUnderTest
  let origin = ''
  const sql = neon(CONNECTION_STRING)

  beforeAll(async () => {
    server = await startNeon((app) => withMeter(app, sqlStatements))
    origin = new URL(server.sqlUrl).origin
  })
  afterAll(() => server.close())
  beforeEach(() => reset(origin))

  test('a query is one statement', async () => {
    expect(await sql`SELECT ${7}::int AS n`).toEqual([{ n: 7 }])
    expect(await counted(origin)).toEqual({ requests: 1, commands: 1 })
  })

  test('a batch is one request of as many statements as it holds', async () => {
    await sql.transaction([sql`SELECT 1`, sql`SELECT 2`, sql`SELECT 3`])
    expect(await counted(origin)).toEqual({ requests: 1, commands: 3 })
  })

  test('a statement that fails counts', async () => {
    await expect(sql`SELECT broken`).rejects.toMatchObject({ code: '42703' })
    expect(await counted(origin)).toEqual({ requests: 1, commands: 1 })
  })

  test.each([
    ['POST', '/sql', 'not JSON'],
    ['POST', '/sql', 'null'],
    ['POST', '/sql', '{"queries":7}'],
    ['GET', '/nowhere', undefined],
  ])('%s %s with the body %s holds no statement', async (method, path, body) => {
    await fetch(origin + path, { method, ...(body === undefined ? {} : { body }) })
    expect(await counted(origin)).toEqual({ requests: 1, commands: 0 })
  })
})

describe('in front of any app', () => {
  const app = new Hono()
  app.post('/v1/*', async (c) => c.text(await c.req.text()))
  app.get('/_sim/state', (c) => c.text('the state'))
  app.get('/broken', () => Promise.reject(new Error('broken')))
  app.onError((_error, c) => c.text('broken', 500))
  const metered = withMeter(app)
  const read = async () => (await metered.request('/_meter')).json()

  beforeEach(async () => {
    await metered.request('/_meter', { method: 'DELETE' })
  })

  test('a request is one command, answered as it was', async () => {
    const answer = await metered.request('/v1/customers', { method: 'POST', body: 'email=a' })
    expect(await answer.text()).toBe('email=a')
    expect(await read()).toEqual({ requests: 1, commands: 1 })
  })

  test('a request that fails counts', async () => {
    expect((await metered.request('/broken')).status).toBe(500)
    expect(await read()).toEqual({ requests: 1, commands: 1 })
  })

  test('control paths reach the app and do not count', async () => {
    expect(await (await metered.request('/_sim/state')).text()).toBe('the state')
    expect(await read()).toEqual({ requests: 0, commands: 0 })
  })
})
