// The local Redis beneath Upstash's protocol: engines apart from each other, errors in Redis's words, a developer's
// server that is never emptied, and a clear word when it is not there.
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { RedisServer } from '../../dev/redis/client.ts'
import { isReplies, type RedisReply } from '../../dev/redis/reply.ts'
import { startRedis } from '../../dev/redis.ts'

const serverUrl = process.env.LOCAL_REDIS_URL
const targets = [
  { name: 'embedded', url: undefined },
  ...(serverUrl ? [{ name: 'server', url: serverUrl }] : []),
]

function plain(reply: RedisReply): unknown {
  if (isReplies(reply)) return reply.map(plain)
  return Buffer.isBuffer(reply) ? reply.toString() : reply
}

test.each(['XADD s * f v', 'XREAD STREAMS s 0', 'XLEN s', 'XRANGE s - +', 'XGROUP CREATE s g 0'])(
  'the embedded Redis, which has no streams, does not know %s',
  async (line) => {
    const redis = await startRedis({ url: undefined })
    const [command = '', ...args] = line.split(' ')
    await expect(redis.call(command, args)).rejects.toThrow(`ERR unknown command '${command}'`)
    await redis.close()
  },
)

describe.each(targets)('the $name Redis', ({ url }) => {
  const key = `tollgate-test:${randomUUID()}`
  let redis: RedisServer
  /** A command line of words; `K` stands for a key of this test's own. */
  const run = async (line: string): Promise<unknown> => {
    const [command = '', ...args] = line
      .split(' ')
      .map((word) => word.replace(/^K(?=\d?$)/, `${key}:`))
    return redis.call(command, args).then(plain, (error: Error) => `-${error.message}`)
  }

  beforeAll(async () => {
    redis = await startRedis({ url })
  })
  afterAll(async () => {
    for (let at = 0; at < 10; at++) await redis.call('DEL', [`${key}:${at || ''}`])
    await redis.close()
  })

  test.each([
    ['SET K v nx ex 100', 'OK'],
    ['SET K w keepttl get', 'v'],
    ['SET K w EX 10 PX 10', '-ERR syntax error'],
    ['SET K w EX 1.5', '-ERR value is not an integer or out of range'],
    ['INCR K', '-ERR value is not an integer or out of range'],
    ['LPUSH K x', '-WRONGTYPE Operation against a key holding the wrong kind of value'],
    ['GET', "-ERR wrong number of arguments for 'get' command"],
    ['HSET K1 f', "-ERR wrong number of arguments for 'hset' command"],
    ['EXPIRE K 10 NX XX', '-ERR NX and XX, GT or LT options at the same time are not compatible'],
    [
      'EVALSHA 0000000000000000000000000000000000000000 0',
      '-NOSCRIPT No matching script. Please use EVAL.',
    ],
    ['EVAL x 1', "-ERR Number of keys can't be greater than number of args"],
    ['EVAL x -1', "-ERR Number of keys can't be negative"],
    ['SCRIPT nope', "-ERR unknown subcommand 'nope'. Try SCRIPT HELP."],
    ['ZADD K2 1.5 a (2 b', '-ERR value is not a valid float'],
    ['ZADD K2 1.5 a 2 b', 2],
    ['ZRANGEBYSCORE K2 (1.5 +inf WITHSCORES', ['b', '2']],
    ['ZRANGEBYSCORE K2 x 1', '-ERR min or max is not a float'],
    ['ZADD K2 GT NX 1 a', '-ERR GT, LT, and/or NX options at the same time are not compatible'],
    ['SPOP K3 2', []],
    ['LPOP K3 2', null],
    ['LSET K3 0 x', '-ERR no such key'],
    ['RENAME K3 K4', '-ERR no such key'],
    ['SCAN x', '-ERR invalid cursor'],
    ['SCAN 0 COUNT 0', '-ERR syntax error'],
    ['HSET K5 10 a 9 b', 2],
    ['HGET K5 __proto__', null],
    ['HDEL K5 10 9', 2],
    ['TYPE K5', 'none'],
    ['PING a b', "-ERR wrong number of arguments for 'ping' command"],
  ])('%s', async (line, expected) => {
    const reply = await run(line)
    expect(reply && typeof reply === 'object' && 'text' in reply ? reply.text : reply).toEqual(
      expected,
    )
  })

  test('a transaction with an unknown command leaves nothing', async () => {
    const at = `${key}:9`
    await expect(
      redis.multi([
        ['SET', at, '1'],
        ['NOSUCH', 'x'],
      ]),
    ).rejects.toThrow(/^ERR unknown command/)
    expect(plain(await redis.call('EXISTS', [at]))).toBe(0)
  })

  test('bytes that are no text come back unchanged, through a script as well', async () => {
    const bytes = Buffer.from([0, 1, 127, 128, 200, 255, 10, 13])
    await redis.call('SET', [`${key}:8`, bytes])
    expect(await redis.call('GET', [`${key}:8`])).toEqual(bytes)
    const script = `redis.call('SET', KEYS[1], redis.call('GET', KEYS[1]) .. ARGV[1]) return redis.call('GET', KEYS[1])`
    const both = await redis.call('EVAL', [script, '1', `${key}:8`, bytes])
    expect(both).toEqual(Buffer.concat([bytes, bytes]))
  })

  test('a script may begin with a line for the server', async () => {
    expect(await redis.call('EVAL', ['#!lua flags=no-writes\nreturn 7', '0'])).toBe(7)
  })
})

describe('the embedded Redis with a file', () => {
  function file(): string {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-redis-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    return join(folder, 'deep', 'redis.json')
  }
  const bytes = Buffer.from([0, 34, 92, 128, 255, 10])
  const written = [
    ['SET', 'text', 'héllo'],
    ['SET', 'bytes', bytes],
    ['SET', 'empty', ''],
    ['SET', 'short', 'v', 'PX', '3600000'],
    ['HSET', 'hash', 'b', '1', 'a', bytes, '7', ''],
    ['EXPIRE', 'hash', '3600'],
    ['RPUSH', 'list', 'b', 'a', 'b'],
    ['SADD', 'set', 'x', bytes],
    ['ZADD', 'zset', '1700000000123', 'late', '-inf', 'first', '1.5', bytes],
  ] as const
  const asked = [
    ['GET', 'text'],
    ['GET', 'bytes'],
    ['GET', 'empty'],
    ['PEXPIRETIME', 'short'],
    ['PEXPIRETIME', 'text'],
    ['HMGET', 'hash', 'a', 'b', '7'],
    ['PEXPIRETIME', 'hash'],
    ['LRANGE', 'list', '0', '-1'],
    ['SISMEMBER', 'set', bytes],
    ['SCARD', 'set'],
    ['ZRANGE', 'zset', '0', '-1', 'WITHSCORES'],
    ['DBSIZE'],
  ] as const
  const answers = (redis: RedisServer) =>
    Promise.all(asked.map(([command, ...args]) => redis.call(command, args)))

  test('has its data again, each type and each expiry', async () => {
    const path = file()
    const before = await startRedis({ file: path })
    for (const [command, ...args] of written) await before.call(command, args)
    const then = await answers(before)
    await before.close()

    const after = await startRedis({ file: path })
    expect(await answers(after)).toEqual(then)
    await after.close()
  })

  test('has it a moment after a change, whoever made it, without being closed', async () => {
    const path = file()
    const killed = await startRedis({ file: path })
    await killed.call('SET', ['gone', 'v', 'PX', '1'])
    await killed.call('EVAL', ["return redis.call('HINCRBY', KEYS[1], 'n', 2)", '1', 'count'])
    await vi.waitFor(() => expect(readFileSync(path, 'utf8')).toContain('count'))
    const after = await startRedis({ file: path })
    expect(plain(await after.call('HGET', ['count', 'n']))).toBe('2')
    expect(await after.call('EXISTS', ['gone'])).toBe(0)
    await after.close()
    await killed.close()
  })

  test('leaves a file alone that is something else', async () => {
    const path = file()
    mkdirSync(dirname(path))
    writeFileSync(path, '{"mine":true}')
    await expect(startRedis({ file: path })).rejects.toThrow(
      `${path} is not a state file of the embedded Redis`,
    )
    expect(readFileSync(path, 'utf8')).toBe('{"mine":true}')
  })
})

describe('the embedded Redis', () => {
  test('keeps its data from another in the same process', async () => {
    const [one, other] = await Promise.all([startRedis(), startRedis()])
    await one.call('SET', ['k', 'v'])
    await one.call('EVAL', ['return 1', '0'])
    expect(await other.call('EXISTS', ['k'])).toBe(0)
    expect(
      plain(await other.call('SCRIPT', ['EXISTS', 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db'])),
    ).toEqual([0])
    await one.call('FLUSHDB', [])
    expect(await one.call('DBSIZE', [])).toBe(0)
    await one.close()
    await other.close()
  })

  test('ends a script that does not, even one that catches its errors', async () => {
    const redis = await startRedis()
    await expect(redis.call('EVAL', ['while true do end', '0'])).rejects.toThrow(
      /ERR Script ended: it ran for more than/,
    )
    const stubborn = 'while true do pcall(function() while true do end end) end'
    await expect(redis.call('EVAL', [stubborn, '0'])).rejects.toThrow(/ERR Script ended/)
    expect(plain(await redis.call('PING', []))).toMatchObject({ text: 'PONG' })
    await redis.close()
  })

  test('gives a script no way out of it', async () => {
    const redis = await startRedis()
    for (const name of [
      'io',
      'os',
      'require',
      'debug',
      'dofile',
      'loadfile',
      'js',
      'package',
      'print',
    ]) {
      await expect(redis.call('EVAL', [`return ${name}`, '0'])).rejects.toThrow(
        `nonexistent global variable '${name}'`,
      )
    }
    await redis.close()
  })
})

describe('a server that a URL names', () => {
  test('and that is not there is said with host and port, without the password', async () => {
    const port = await freePort()
    const error = await startRedis({ url: `redis://:s3cret@127.0.0.1:${port}` }).catch(
      (thrown: Error) => thrown,
    )
    expect(error).toBeInstanceOf(Error)
    expect(String(error)).toContain(`127.0.0.1:${port}`)
    expect(String(error)).toContain('ECONNREFUSED')
    expect(String(error)).not.toContain('s3cret')
    await expect(startRedis({ url: 'https://x.upstash.io' })).rejects.toThrow(
      /not a redis:\/\/ or rediss:\/\/ URL/,
    )
  })

  // Were one of these let through, Redis itself would refuse it: nobody's data is at stake.
  if (serverUrl) {
    test('is never emptied', async () => {
      const redis = await startRedis({ url: serverUrl })
      const refusal = /ERR FLUSH(ALL|DB) is refused on the server of LOCAL_REDIS_URL/
      for (const command of ['FLUSHALL', 'flushdb']) {
        await expect(redis.call(command, ['nonsense'])).rejects.toThrow(refusal)
        await expect(redis.multi([['PING'], [command, 'nonsense']])).rejects.toThrow(refusal)
      }
      const script = "if false then redis.call('flushdb') end return 1"
      await expect(redis.call('EVAL', [script, '0'])).rejects.toThrow(refusal)
      await expect(redis.call('SCRIPT', ['LOAD', script])).rejects.toThrow(refusal)
      await redis.close()
    })
  }
})

/** One that nothing listens on. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
