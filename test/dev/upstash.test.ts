// The unmodified @upstash/redis client against the local Upstash, on the embedded engine and, where LOCAL_REDIS_URL
// names one, on a real server.
import { createHash, randomUUID } from 'node:crypto'
import { Redis, type RedisConfigNodejs } from '@upstash/redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RedisServer } from '../../dev/redis/client.ts'
import { startRedis } from '../../dev/redis.ts'
import { type Served, serve } from '../../dev/serve.ts'
import { upstashApp } from '../../dev/upstash.ts'

const TOKEN = 'a-token'
const READ_ONLY_TOKEN = 'a-token-that-reads'
const serverUrl = process.env.LOCAL_REDIS_URL
const targets = [
  { name: 'embedded', url: undefined },
  ...(serverUrl ? [{ name: 'server', url: serverUrl }] : []),
]

describe.each(targets)('the client on the $name Redis', ({ url }) => {
  const prefix = `tollgate-test:${randomUUID()}:`
  const key = (name: string) => `${prefix}${name}:${randomUUID()}`
  let redis: RedisServer
  let served: Served
  let client: Redis

  const clientWith = (options: Partial<RedisConfigNodejs> = {}) =>
    new Redis({ url: served.url, token: TOKEN, retry: false, enableTelemetry: false, ...options })

  beforeAll(async () => {
    redis = await startRedis({ url })
    const app = upstashApp({ redis, token: TOKEN, readOnlyToken: READ_ONLY_TOKEN })
    served = await serve(app, 0, 'test')
    client = clientWith()
  })

  afterAll(async () => {
    let cursor = '0'
    do {
      const [next, keys] = await client.scan(cursor, { match: `${prefix}*`, count: 1000 })
      if (keys.length > 0) await client.del(...keys)
      cursor = next
    } while (cursor !== '0')
    await served.close()
    await redis.close()
  })

  test('strings come back as they went in, whatever their characters', async () => {
    const texts = [
      'plain',
      'bär 日本 🎉',
      'OK',
      'PONG',
      '',
      'a"b\\c\n\r\t\u0000',
      'T0s=',
      '{"not json',
    ]
    for (const text of texts) {
      const at = key('text')
      expect(await client.set(at, text)).toBe('OK')
      expect(await client.get(at)).toBe(text)
      expect(await client.mget(at)).toEqual([text])
    }
    const at = key('object')
    await client.set(at, { n: 1, list: ['é', null] })
    expect(await client.get(at)).toEqual({ n: 1, list: ['é', null] })
    const large = 'ü'.repeat(1_500_000)
    await client.set(at, large)
    expect(await client.get(at)).toBe(large)
    expect(await client.strlen(at)).toBe(3_000_000)
  })

  test('a client that decodes nothing gets digits as text', async () => {
    const raw = clientWith({ automaticDeserialization: false })
    const at = key('raw')
    await raw.set(at, '0012')
    expect(await raw.get(at)).toBe('0012')
    const hash = key('raw-hash')
    await raw.hset(hash, { a: '1', b: 'x' })
    expect(await raw.hget(hash, 'a')).toBe('1')
    expect(await raw.hgetall(hash)).toEqual(['a', '1', 'b', 'x'])
    const plain = clientWith({ responseEncoding: false })
    expect(await plain.set(at, 'grün')).toBe('OK')
    expect(await plain.get(at)).toBe('grün')
  })

  test('set takes its conditions and its expiry', async () => {
    const at = key('set')
    expect(await client.set(at, 'a', { ex: 100, nx: true })).toBe('OK')
    expect(await client.set(at, 'b', { nx: true })).toBeNull()
    expect(await client.ttl(at)).toBeGreaterThan(98)
    expect(await client.set(at, 'c', { keepTtl: true, get: true })).toBe('a')
    expect(await client.ttl(at)).toBeGreaterThan(98)
    expect(await client.set(at, 'd', { xx: true, px: 5000 })).toBe('OK')
    const left = await client.pttl(at)
    expect(left).toBeGreaterThan(1000)
    expect(left).toBeLessThanOrEqual(5000)
    expect(await client.set(at, 'e')).toBe('OK')
    expect(await client.ttl(at)).toBe(-1)
    expect(await client.set(key('missing'), 'x', { xx: true })).toBeNull()
    expect(await client.ttl(key('missing'))).toBe(-2)
    expect(await client.set(at, 'f', { exat: 4_102_444_800 })).toBe('OK')
    expect(await client.ttl(at)).toBeGreaterThan(1_000_000)
  })

  test('a key whose time has come is gone', async () => {
    const at = key('expiry')
    await client.set(at, 'x')
    expect(await client.pexpire(at, 0)).toBe(1)
    expect(await client.get(at)).toBeNull()
    expect(await client.exists(at)).toBe(0)
    await client.set(at, 'x')
    expect(await client.expireat(at, 1)).toBe(1)
    expect(await client.ttl(at)).toBe(-2)
    await client.set(at, 'x')
    expect(await client.expire(at, 100)).toBe(1)
    expect(await client.expire(at, 50, 'gt')).toBe(0)
    expect(await client.persist(at)).toBe(1)
    expect(await client.pttl(at)).toBe(-1)
    await client.incr(key('fresh'))
    await client.set(at, 1, { ex: 100 })
    await client.incrby(at, 5)
    expect(await client.incrbyfloat(at, 0.5)).toBe(6.5)
    expect(await client.ttl(at)).toBeGreaterThan(98)
  })

  test('hashes', async () => {
    const at = key('hash')
    expect(await client.hset(at, { name: 'Ada', count: 3, when: '2026' })).toBe(3)
    expect(await client.hset(at, { name: 'Eve' })).toBe(0)
    expect(await client.hincrby(at, 'count', -5)).toBe(-2)
    expect(await client.hgetall(at)).toEqual({ name: 'Eve', count: -2, when: 2026 })
    expect(await client.hmget(at, 'name', 'none')).toEqual({ name: 'Eve', none: null })
    expect(await client.hexists(at, 'none')).toBe(0)
    expect(await client.hget(at, 'constructor')).toBeNull()
    expect(await client.hdel(at, 'name', 'count', 'when', 'none')).toBe(3)
    expect(await client.exists(at)).toBe(0)
    expect(await client.hgetall(at)).toBeNull()
  })

  test('sets and lists', async () => {
    const set = key('members')
    expect(await client.sadd(set, 'a', 'b', 'b')).toBe(2)
    expect(await client.sismember(set, 'a')).toBe(1)
    expect((await client.smembers(set)).sort()).toEqual(['a', 'b'])
    expect((await client.spop<string[]>(set, 5))?.sort()).toEqual(['a', 'b'])
    expect(await client.exists(set)).toBe(0)
    expect(await client.spop(set)).toBeNull()
    const list = key('list')
    expect(await client.rpush(list, 'b', 'c')).toBe(2)
    expect(await client.lpush(list, 'a')).toBe(3)
    expect(await client.lrange(list, 0, -1)).toEqual(['a', 'b', 'c'])
    expect(await client.ltrim(list, 1, -1)).toBe('OK')
    expect(await client.lpop(list)).toBe('b')
    expect(await client.rpop(list, 9)).toEqual(['c'])
    expect(await client.llen(list)).toBe(0)
  })

  test('sorted sets keep fractions, bounds and order', async () => {
    const at = key('zset')
    expect(
      await client.zadd(
        at,
        { score: 1.5, member: 'b' },
        { score: 1, member: 'a' },
        { score: 2, member: 'c' },
      ),
    ).toBe(3)
    expect(await client.zadd(at, { nx: true }, { score: 9, member: 'a' })).toBe(0)
    expect(await client.zadd(at, { gt: true, ch: true }, { score: 0, member: 'a' })).toBe(0)
    expect(await client.zadd(at, { incr: true }, { score: 0.25, member: 'a' })).toBe(1.25)
    expect(await client.zrange(at, 0, -1, { withScores: true })).toEqual([
      'a',
      1.25,
      'b',
      1.5,
      'c',
      2,
    ])
    expect(await client.zrange(at, '(1.25', 1.75, { byScore: true })).toEqual(['b'])
    expect(
      await client.zrange(at, '+inf', '-inf', { byScore: true, rev: true, count: 1, offset: 1 }),
    ).toEqual(['b'])
    expect(await client.zincrby(at, 1, 'a')).toBe(2.25)
    expect(await client.zscore(at, 'none')).toBeNull()
    expect(await client.zcount(at, 1.5, 2)).toBe(2)
    expect(await client.zremrangebyscore(at, 0, 1.9)).toBe(1)
    expect(await client.zrem(at, 'a', 'c')).toBe(2)
    expect(await client.exists(at)).toBe(0)
  })

  test('keys by pattern and type', async () => {
    const group = key('scan')
    await client.mset({ [`${group}:1`]: 1, [`${group}:2`]: 2 })
    await client.hset(`${group}:h`, { a: 1 })
    const scan = async (type?: string) => {
      const found: string[] = []
      let cursor = '0'
      do {
        const [next, keys] = await client.scan(cursor, {
          match: `${group}:*`,
          count: 500,
          ...(type ? { type } : {}),
        })
        found.push(...(keys as string[]))
        cursor = next
      } while (cursor !== '0')
      return found.sort()
    }
    expect(await scan()).toEqual([`${group}:1`, `${group}:2`, `${group}:h`])
    expect(await scan('hash')).toEqual([`${group}:h`])
    expect(await client.type(`${group}:h`)).toBe('hash')
    expect(await client.del(`${group}:1`, `${group}:2`, `${group}:h`)).toBe(3)
    expect(await client.ping()).toBe('PONG')
    expect(await client.echo('héllo')).toBe('héllo')
    const [seconds, micros] = await client.time()
    expect(Math.abs(Number(seconds) * 1000 + Number(micros) / 1000 - Date.now())).toBeLessThan(
      60_000,
    )
    expect(await client.dbsize()).toBeGreaterThanOrEqual(0)
  })

  test('a pipeline goes on after a command that fails', async () => {
    const [text, hash] = [key('p'), key('h')]
    await client.hset(hash, { a: 1 })
    const run = () => client.pipeline().set(text, 'x').incr(hash).append(text, 'y').get(text)
    await expect(run().exec()).rejects.toThrow('Command 2 [ incr ] failed: WRONGTYPE')
    const results = await run().exec({ keepErrors: true })
    expect(results.map(({ error }) => error?.split(' ')[0])).toEqual([
      undefined,
      'WRONGTYPE',
      undefined,
      undefined,
    ])
    expect(results[3]?.result).toBe('xy')
  })

  test('a transaction runs whole, and not at all when a command is malformed', async () => {
    const at = key('multi')
    expect(await client.multi().set(at, 1).incr(at).get(at).exec()).toEqual(['OK', 2, 2])
    const failing = client.multi().lpush(at, 'x').incr(at)
    const results = await failing.exec({ keepErrors: true })
    expect(results[0]?.error).toMatch(/^WRONGTYPE/)
    expect(results[1]?.result).toBe(3)
    const malformed = client.multi().incr(at)
    // Too few arguments, which the types would not let through.
    ;(malformed as unknown as { mget: () => unknown }).mget()
    await expect(malformed.exec()).rejects.toThrow(
      "ERR wrong number of arguments for 'mget' command",
    )
    expect(await client.get(at)).toBe(3)
  })

  test('scripts give numbers, strings, lists and nil as Redis does', async () => {
    const at = key('script')
    await client.set(at, 'väl')
    const run = (script: string, ...args: unknown[]) => client.eval(script, [at], args)
    expect(await run('return {KEYS[1], ARGV[1], 3.99, -3.99, true, false, "x"}', 'ä')).toEqual([
      at,
      'ä',
      3,
      -3,
      1,
      null,
      'x',
    ])
    expect(await run('return {1, nil, 2}')).toEqual([1])
    expect(await run('return redis.call("GET", KEYS[1])')).toBe('väl')
    expect(await run('return redis.call("GET", "none") == false')).toBe(1)
    expect(await run('return redis.call("SET", KEYS[1], 1.5).ok')).toBe('OK')
    expect(await run('return redis.status_reply("FINE")')).toBe('FINE')
    expect(await run('return redis.sha1hex("")')).toBe('da39a3ee5e6b4b0d3255bfef95601890afd80709')
    expect(await run('return #ARGV[1]', 'ä')).toBe(2)
    expect(
      await run(
        'redis.call("HSET", KEYS[1] .. "h", "a", 1, "b", 2) return redis.call("HGETALL", KEYS[1] .. "h")',
      ),
    ).toEqual(['a', 1, 'b', 2])
    expect(await run('return type(redis.pcall("INCR", KEYS[1]).err)')).toBe('string')
  })

  test("a script's numbers are doubles that print as in Lua 5.1", async () => {
    const raw = clientWith({ automaticDeserialization: false })
    const run = (script: string, ...args: string[]) => raw.eval(script, [key('counter')], args)
    expect(await run('return tonumber(ARGV[1]) * 1000 + 1', '1700000000')).toBe(1_700_000_000_001)
    expect(await run('return tostring(tonumber(ARGV[1]) * 1000)', '1700000000')).toBe(
      '1700000000000',
    )
    expect(await run('return 2000000000 + 2000000000')).toBe(4_000_000_000)
    expect(await run('return "n:" .. redis.call("INCR", KEYS[1])')).toBe('n:1')
    expect(await run('return "n:" .. (7 / 2) .. ":" .. (6 / 2)')).toBe('n:3.5:3')
    expect(await run('return string.format("%d", tonumber(ARGV[1]))', '1700000000123')).toBe(
      '1700000000123',
    )
    expect(
      await run('redis.call("SET", KEYS[1], 1700000000123) return redis.call("GET", KEYS[1])'),
    ).toBe('1700000000123')
  })

  test('a script that fails says so in Redis’s words', async () => {
    const at = key('error')
    await client.hset(at, { a: 1 })
    const run = (script: string) => client.eval(script, [at], [])
    await expect(run('return redis.error_reply("MINE it is")')).rejects.toThrow(/MINE it is/)
    await expect(run('return redis.error_reply("alone")')).rejects.toThrow(/ERR alone/)
    await expect(run('return redis.call("GET", KEYS[1])')).rejects.toThrow(
      /WRONGTYPE Operation against a key holding the wrong kind of value script: [0-9a-f]{40}, on @user_script:1\./,
    )
    await expect(run('local a = 1\nerror("boom")')).rejects.toThrow(
      /ERR user_script:2: boom script: /,
    )
    await expect(run('return redis.call("NOSUCH")')).rejects.toThrow(
      /ERR Unknown Redis command called from script/,
    )
    await expect(run('return redis.call("GET")')).rejects.toThrow(
      /ERR Wrong number of args calling Redis command/,
    )
    await expect(run('return 1 +')).rejects.toThrow(
      /ERR Error compiling script \(new function\): user_script:1: /,
    )
    await expect(run('return undefined_name')).rejects.toThrow(
      /nonexistent global variable 'undefined_name'/,
    )
    await expect(run('leaked = 1')).rejects.toThrow(/Attempt to modify a readonly table/)
  })

  test('createScript falls back to EVAL when the script is not known, then finds it', async () => {
    const at = key('sha')
    const script = client.createScript<number>(
      `return redis.call('INCRBY', KEYS[1], ARGV[1]) -- ${at}`,
    )
    await script.exec([at], ['1'])
    expect(await client.scriptExists(script.sha1, '0'.repeat(40))).toEqual([1, 0])
    expect(await script.evalsha([at], ['5'])).toBe(6)
    await expect(client.evalsha('0'.repeat(40), [], [])).rejects.toThrow(
      'NOSCRIPT No matching script. Please use EVAL.',
    )
    const loaded = await client.scriptLoad(`return 7 -- ${at}`)
    expect(await client.evalsha(loaded, [], [])).toBe(7)
    const reads = client.createScript<number, true>('return redis.call("SET", KEYS[1], 1)', {
      readonly: true,
    })
    await expect(reads.exec([at], [])).rejects.toThrow(
      /Write commands are not allowed from read-only scripts/,
    )
  })

  test('a script with the flag that Upstash alone knows runs, and is found by its digest', async () => {
    const text = `#!lua flags=allow-key-locking\nreturn 8 -- ${key('flag')}`
    const sha1 = createHash('sha1').update(text).digest('hex')
    await expect(client.evalsha(sha1, [], [])).rejects.toThrow(/NOSCRIPT/)
    expect(await client.eval(text, [], [])).toBe(8)
    expect(await client.evalsha(sha1, [], [])).toBe(8)
  })

  test('50 at once end exact, by INCR and by reading and writing in a script', async () => {
    const [counter, tally] = [key('parallel'), key('tally')]
    const each = clientWith({ enableAutoPipelining: false })
    const readModifyWrite = `
      local n = tonumber(redis.call('GET', KEYS[1]) or '0')
      redis.call('SET', KEYS[1], n + 1)
      return n + 1`
    const turns = Array.from({ length: 50 }, (_, at) => at + 1)
    await Promise.all(turns.map(() => each.incr(counter)))
    const seen = await Promise.all(turns.map(() => each.eval(readModifyWrite, [tally], [])))
    expect(await client.mget(counter, tally)).toEqual([50, 50])
    expect(seen.map(Number).sort((a, b) => a - b)).toEqual(turns)
  })

  test('a token that is wrong gets nothing', async () => {
    await expect(clientWith({ token: 'another' }).get('x')).rejects.toThrow(
      /^WRONGPASS invalid or missing auth token\. See https:\/\/docs\.upstash\.com/,
    )
  })

  test('a token that only reads may read', async () => {
    const at = key('readable')
    await client.set(at, 'x')
    const reader = clientWith({ token: READ_ONLY_TOKEN })
    expect(await reader.get(at)).toBe('x')
    expect(await reader.ping()).toBe('PONG')
    await expect(reader.set(at, 'y')).rejects.toThrow(
      /NOPERM this user has no permissions to run the 'set' command/,
    )
    await expect(reader.eval('return 1', [], [])).rejects.toThrow(/NOPERM .* 'eval' command/)
    await expect(reader.scan(0)).rejects.toThrow(/NOPERM .* 'scan' command/)
    await expect(reader.multi().get(at).del(at).exec()).rejects.toThrow(/NOPERM .* 'del' command/)
    expect(await client.get(at)).toBe('x')
  })
})
