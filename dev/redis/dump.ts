// All data of an engine as the commands that make it anew.
import type { Bytes, Reply } from './reply.ts'

/** What a type is read with, after its key, and written with. */
const TYPES: Readonly<Record<string, { read: Bytes[]; write: Bytes }>> = {
  string: { read: ['get'], write: 'set' },
  hash: { read: ['hgetall'], write: 'hset' },
  list: { read: ['lrange', '0', '-1'], write: 'rpush' },
  set: { read: ['smembers'], write: 'sadd' },
  zset: { read: ['zrange', '0', '-1', 'withscores'], write: 'zadd' },
}

/** Expiries are moments, so that time goes on while nobody runs the engine. */
export function dump(call: (argv: Bytes[]) => Reply): Bytes[][] {
  const keys = call(['keys', '*']) as Bytes[]
  return keys.flatMap((key) => {
    const type = TYPES[textOf(call(['type', key]))]
    // It has ended a moment ago.
    if (!type) return []
    const [name = '', ...options] = type.read
    const held = call([name, key, ...options])
    const values = (Array.isArray(held) ? held : [held]).map(textOf)
    // ZRANGE gives members before their scores, ZADD takes them after.
    const ordered = type.write === 'zadd' ? values.toReversed() : values
    const expiresAt = Number(call(['pexpiretime', key]))
    const made = [type.write, key, ...ordered]
    return expiresAt > 0 ? [made, ['pexpireat', key, String(expiresAt)]] : [made]
  })
}

function textOf(reply: Reply): Bytes {
  return reply !== null && typeof reply === 'object' && 'text' in reply ? reply.text : String(reply)
}
