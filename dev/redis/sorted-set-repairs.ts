// Sorted sets that ioredis-mock answers wrongly: GT, LT and INCR of ZADD, scores that are no numbers, the ends of
// ranges by score, whose fractions it cuts off.
import type { Mock } from './mock.ts'
import { bounds, float, integer, positive, type Repair, syntaxError } from './repair.ts'
import { type Bytes, RedisError } from './reply.ts'

const score = (value: number): Bytes =>
  Number.isFinite(value) ? String(value) : value > 0 ? 'inf' : '-inf'

const addScored: Repair = (mock, [key = '', ...rest]) => {
  const flags = new Set<string>()
  while (['NX', 'XX', 'GT', 'LT', 'CH', 'INCR'].includes((rest[0] ?? '').toUpperCase())) {
    flags.add((rest.shift() ?? '').toUpperCase())
  }
  if (rest.length === 0 || rest.length % 2 !== 0) throw syntaxError()
  if (flags.has('NX') && flags.has('XX')) {
    throw new RedisError('ERR XX and NX options at the same time are not compatible')
  }
  if (['GT', 'LT', 'NX'].filter((flag) => flags.has(flag)).length > 1) {
    throw new RedisError('ERR GT, LT, and/or NX options at the same time are not compatible')
  }
  if (flags.has('INCR') && rest.length > 2) {
    throw new RedisError('ERR INCR option supports a single increment-element pair')
  }
  const entries: [number, Bytes][] = []
  for (let at = 0; at < rest.length; at += 2) {
    entries.push([float(rest[at] ?? ''), rest[at + 1] ?? ''])
  }
  let added = 0
  let changed = 0
  let last: Bytes | null = null
  for (const [given, member] of entries) {
    const text = mock.run('zscore', key, member)
    const old = text === null ? null : Number(text)
    const next = given + (flags.has('INCR') ? (old ?? 0) : 0)
    if (Number.isNaN(next)) throw new RedisError('ERR resulting score is not a number (NaN)')
    if (old === null ? flags.has('XX') : flags.has('NX')) continue
    if (old !== null && flags.has('GT') && next <= old) continue
    if (old !== null && flags.has('LT') && next >= old) continue
    mock.run('zadd', key, String(next), member)
    if (old === null) added++
    else if (old !== next) changed++
    last = score(next)
  }
  if (flags.has('INCR')) return last
  return flags.has('CH') ? added + changed : added
}

type Scored = [member: Bytes, score: number]

/** Ascending. */
function scored(mock: Mock, key: Bytes): Scored[] {
  const flat = mock.run('zrange', key, '0', '-1', 'WITHSCORES') as Bytes[]
  const out: Scored[] = []
  for (let at = 0; at < flat.length; at += 2) out.push([flat[at] ?? '', Number(flat[at + 1])])
  return out
}

/** From one score to another, either of them without itself as `(5`. */
function between(mock: Mock, key: Bytes, min: Bytes, max: Bytes): Scored[] {
  const bound = (text: Bytes) => float(text.replace(/^\(/, ''), 'ERR min or max is not a float')
  const [low, high] = [bound(min), bound(max)]
  return scored(mock, key).filter(
    ([, value]) =>
      (min.startsWith('(') ? value > low : value >= low) &&
      (max.startsWith('(') ? value < high : value <= high),
  )
}

const range: Repair = (mock, [key = '', start = '', stop = '', ...options], name) => {
  let byScore = name.endsWith('byscore')
  let reverse = name.startsWith('zrev')
  let withScores = false
  let limit: [number, number] | null = null
  for (let at = 0; at < options.length; at++) {
    const option = (options[at] ?? '').toUpperCase()
    if (option === 'WITHSCORES') withScores = true
    else if (option === 'REV' && name === 'zrange') reverse = true
    else if (option === 'BYSCORE' && name === 'zrange') byScore = true
    else if (option === 'LIMIT' && at + 2 < options.length) {
      limit = [integer(options[++at]), integer(options[++at])]
    } else throw syntaxError()
  }
  if (limit && !byScore) {
    throw new RedisError(
      'ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX',
    )
  }
  // Backwards, Redis takes the higher end first.
  const [min, max] = reverse ? [stop, start] : [start, stop]
  const all = byScore ? between(mock, key, min, max) : scored(mock, key)
  if (reverse) all.reverse()
  const [offset, count] = limit ?? [0, -1]
  const found = byScore
    ? all.slice(offset < 0 ? all.length : offset, count < 0 ? undefined : offset + count)
    : all.slice(...bounds(start, stop, all.length))
  return found.flatMap(([member, value]) => (withScores ? [member, score(value)] : [member]))
}

const popScored: Repair = (mock, [key = '', countText = '1'], name) => {
  const all = scored(mock, key)
  if (name === 'zpopmax') all.reverse()
  const taken = all.slice(0, positive(countText))
  if (taken.length > 0) mock.run('zrem', key, ...taken.map(([member]) => member))
  return taken.flatMap(([member, value]) => [member, score(value)])
}

export const sortedSetRepairs: Readonly<Record<string, Repair>> = {
  zadd: addScored,
  zincrby: (mock, [key = '', by = '', member = '']) =>
    addScored(mock, [key, 'INCR', by, member], ''),
  zscore: (mock, [key = '', member = '']) => {
    const text = mock.run('zscore', key, member)
    return text === null ? null : score(Number(text))
  },
  zpopmin: popScored,
  zpopmax: popScored,
  zmscore: (mock, [key = '', ...members]) =>
    members.map((member) => {
      const text = mock.run('zscore', key, member)
      return text === null ? null : score(Number(text))
    }),
  zrange: range,
  zrevrange: range,
  zrangebyscore: range,
  zrevrangebyscore: range,
  zcount: (mock, [key = '', min = '', max = '']) => between(mock, key, min, max).length,
  zremrangebyscore: (mock, [key = '', min = '', max = '']) => {
    const members = between(mock, key, min, max).map(([member]) => member)
    if (members.length > 0) mock.run('zrem', key, ...members)
    return members.length
  },
}
