// Commands that ioredis-mock answers wrongly, written again over what it does right.
// SET and GETEX: options in lower case, GET with others, KEEPTTL, times of 0. EXPIRE: NX, XX, GT, LT.
// INCR and its kin: text counted as NaN. RENAME of nothing. LSET past the end, counts below 0, ends in lower case.
// SPOP with a count. ZADD: GT, LT, INCR's reply, scores that are no numbers. Ranges by score: fractions cut off.
// SCAN: TYPE. TIME: microseconds that are not those of its second.
import type { Mock } from './mock.ts'
import { type Bytes, OK, RedisError, RedisStatus, type Reply } from './reply.ts'

/** A command with its arguments, the key first; `name` in lower case. */
type Repair = (mock: Mock, args: Bytes[], name: string) => Reply

const syntaxError = () => new RedisError('ERR syntax error')

/** @throws RedisError */
export function integer(text: Bytes | undefined): number {
  const value = Number(text)
  if (text !== undefined && /^(0|-?[1-9]\d*)$/.test(text) && Number.isSafeInteger(value)) {
    return value
  }
  throw new RedisError('ERR value is not an integer or out of range')
}

const INFINITE: Readonly<Record<string, number>> = { inf: Infinity, infinity: Infinity }

function float(text: Bytes, message = 'ERR value is not a valid float'): number {
  const [, sign = '', size = ''] = /^([+-]?)(.*)$/.exec(text) ?? []
  const infinite = INFINITE[size.toLowerCase()]
  if (infinite !== undefined) return sign === '-' ? -infinite : infinite
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text)
  throw new RedisError(message)
}

const score = (value: number): Bytes =>
  Number.isFinite(value) ? String(value) : value > 0 ? 'inf' : '-inf'

/** Milliseconds since the epoch. */
function moment(option: string, text: Bytes | undefined): number {
  const unit = option.startsWith('P') ? 1 : 1000
  const base = option.endsWith('AT') ? 0 : Date.now()
  return integer(text) * unit + base
}

const TIMES = ['EX', 'PX', 'EXAT', 'PXAT']

function optionMoment(option: string, text: Bytes | undefined, name: string): number {
  if (integer(text) > 0) return moment(option, text)
  throw new RedisError(`ERR invalid expire time in '${name}' command`)
}

const set: Repair = (mock, [key = '', value = '', ...options], name) => {
  const flags = new Set<string>()
  let expiresAt: number | null = null
  for (let at = 0; at < options.length; at++) {
    const option = (options[at] ?? '').toUpperCase()
    const timed = expiresAt !== null || flags.has('KEEPTTL')
    if (TIMES.includes(option) && !timed && at + 1 < options.length) {
      expiresAt = optionMoment(option, options[++at], name)
    } else if (option === 'KEEPTTL' && expiresAt === null) flags.add(option)
    else if (['NX', 'XX', 'GET'].includes(option)) flags.add(option)
    else throw syntaxError()
  }
  if (flags.has('NX') && flags.has('XX')) throw syntaxError()
  const held = mock.value(key)
  const old = flags.has('GET') ? stringOf(held) : null
  if (flags.has('NX') ? held !== undefined : flags.has('XX') && held === undefined) return old
  const kept = flags.has('KEEPTTL') ? Number(mock.run('pexpiretime', key)) : -1
  if (kept > 0) expiresAt = kept
  mock.run('set', key, value)
  if (expiresAt !== null) mock.run('pexpireat', key, String(expiresAt))
  return flags.has('GET') ? old : OK
}

function stringOf(held: unknown): Bytes | null {
  if (held === undefined) return null
  if (typeof held === 'string') return held
  throw new RedisError('WRONGTYPE Operation against a key holding the wrong kind of value')
}

const expire: Repair = (mock, [key = '', time, ...options], name) => {
  const flags = new Set(options.map((option) => option.toUpperCase()))
  const unknown = options.find((option) => !['NX', 'XX', 'GT', 'LT'].includes(option.toUpperCase()))
  if (unknown !== undefined) throw new RedisError(`ERR Unsupported option ${unknown}`)
  if (flags.has('NX') && flags.size > 1) {
    throw new RedisError('ERR NX and XX, GT or LT options at the same time are not compatible')
  }
  if (flags.has('GT') && flags.has('LT')) {
    throw new RedisError('ERR GT and LT options at the same time are not compatible')
  }
  const option = `${name.startsWith('p') ? 'P' : 'E'}X${name.endsWith('at') ? 'AT' : ''}`
  const at = moment(option, time)
  if (mock.value(key) === undefined) return 0
  // -1, no expiry, counts as the latest of all.
  const held = Number(mock.run('pexpiretime', key))
  const current = held === -1 ? Infinity : held
  if (flags.has('NX') && held !== -1) return 0
  if (flags.has('XX') && held === -1) return 0
  if (flags.has('GT') && at <= current) return 0
  if (flags.has('LT') && at >= current) return 0
  if (at <= Date.now()) mock.run('del', key)
  else mock.run('pexpireat', key, String(at))
  return 1
}

const increment: Repair = (mock, [key = '', by = '1'], name) => {
  const step = integer(by) * (name.startsWith('decr') ? -1 : 1)
  integer(stringOf(mock.value(key)) ?? '0')
  return overflowChecked(mock.run('incrby', key, String(step)))
}

const incrementField: Repair = (mock, [key = '', field = '', by]) => {
  const step = integer(by)
  const held = mock.run('hget', key, field)
  if (typeof held === 'string' && !/^(0|-?[1-9]\d*)$/.test(held)) {
    throw new RedisError('ERR hash value is not an integer')
  }
  return overflowChecked(mock.run('hincrby', key, field, String(step)))
}

function overflowChecked(sum: unknown): number {
  if (Number.isSafeInteger(sum)) return Number(sum)
  throw new RedisError('ERR increment or decrement would overflow')
}

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

function bounds(startText: Bytes, stopText: Bytes, length: number): [number, number] {
  const [start, stop] = [integer(startText), integer(stopText)]
  const from = Math.max(start < 0 ? length + start : start, 0)
  return [from, Math.max((stop < 0 ? length + stop : stop) + 1, 0)]
}

function positive(text: Bytes): number {
  if (/^\d+$/.test(text)) return Number(text)
  throw new RedisError('ERR value is out of range, must be positive')
}

const pop: Repair = (mock, [key = '', countText], name) => {
  if (countText === undefined) return (mock.run(name, key) ?? null) as Bytes | null
  const count = positive(countText)
  if (mock.value(key) === undefined) return null
  const length = Number(mock.run('llen', key))
  return count === 0 ? [] : (mock.run(name, key, String(Math.min(count, length))) as Bytes[])
}

const popScored: Repair = (mock, [key = '', countText = '1'], name) => {
  const all = scored(mock, key)
  if (name === 'zpopmax') all.reverse()
  const taken = all.slice(0, positive(countText))
  if (taken.length > 0) mock.run('zrem', key, ...taken.map(([member]) => member))
  return taken.flatMap(([member, value]) => [member, score(value)])
}

/** A sum without the noise of binary fractions: Redis adds in long double and prints 17 digits. */
function decimal(sum: number): Bytes {
  if (!Number.isFinite(sum)) throw new RedisError('ERR increment would produce NaN or Infinity')
  return String(Number(sum.toPrecision(15)))
}

const scan: Repair = (mock, [cursor = '', ...options]) => {
  if (!/^\d+$/.test(cursor)) throw new RedisError('ERR invalid cursor')
  const rest: Bytes[] = []
  let type: string | null = null
  for (let at = 0; at < options.length; at += 2) {
    const option = (options[at] ?? '').toUpperCase()
    const value = options[at + 1]
    if (value === undefined || !['MATCH', 'COUNT', 'TYPE'].includes(option)) throw syntaxError()
    if (option === 'COUNT' && integer(value) < 1) throw syntaxError()
    if (option === 'TYPE') type = value
    else if (option === 'MATCH') rest.unshift(option, value)
    else rest.push(option, value)
  }
  const [next = '0', keys] = mock.run('scan', cursor, ...rest) as [Bytes, Bytes[]]
  return [next, type === null ? keys : keys.filter((key) => mock.run('type', key) === type)]
}

export const repairs: Readonly<Record<string, Repair>> = {
  set,
  setex: (mock, [key = '', time = '', value = ''], name) =>
    set(mock, [key, value, 'EX', time], name),
  psetex: (mock, [key = '', time = '', value = ''], name) =>
    set(mock, [key, value, 'PX', time], name),
  mget: (mock, keys) =>
    keys.map((key) => {
      const held = mock.value(key)
      return typeof held === 'string' ? held : null
    }),
  getrange: (mock, [key = '', start = '', stop = '']) => {
    const text = stringOf(mock.value(key)) ?? ''
    return text.slice(...bounds(start, stop, text.length))
  },
  expire,
  pexpire: expire,
  expireat: expire,
  pexpireat: expire,
  incrbyfloat: (mock, [key = '', by = '']) => {
    const sum = decimal(float(stringOf(mock.value(key)) ?? '0') + float(by))
    // KEEPTTL, as a counter keeps the time that it has.
    set(mock, [key, sum, 'KEEPTTL'], '')
    return sum
  },
  hincrbyfloat: (mock, [key = '', field = '', by = '']) => {
    const held = mock.run('hget', key, field)
    const step = float(by)
    const start = float(typeof held === 'string' ? held : '0', 'ERR hash value is not a float')
    const sum = decimal(start + step)
    mock.run('hset', key, field, sum)
    return sum
  },
  getex: (mock, [key = '', ...options], name) => {
    const [option = '', time] = options
    if (TIMES.includes(option.toUpperCase()) && time !== undefined) {
      optionMoment(option.toUpperCase(), time, name)
    }
    return (mock.run('getex', key, ...options) ?? null) as Bytes | null
  },
  rename: (mock, [from = '', to = '']) => {
    if (mock.value(from) === undefined) throw new RedisError('ERR no such key')
    if (from !== to) mock.run('rename', from, to)
    return OK
  },
  incr: increment,
  decr: increment,
  incrby: increment,
  decrby: increment,
  hincrby: incrementField,
  lpop: pop,
  rpop: pop,
  spop: (mock, [key = '', countText]) => {
    if (countText === undefined) return (mock.run('spop', key) ?? null) as Bytes | null
    const picked = (positive(countText) && mock.run('spop', key, countText)) || []
    return typeof picked === 'string' ? [picked] : (picked as Bytes[])
  },
  linsert: (mock, [key = '', side = '', ...rest]) => {
    return Number(mock.run('linsert', key, side.toUpperCase(), ...rest))
  },
  lmove: (mock, [from = '', to = '', ...ends]) => {
    const upper = ends.map((end) => end.toUpperCase())
    return (mock.run('lmove', from, to, ...upper) ?? null) as Bytes | null
  },
  lset: (mock, [key = '', index, value = '']) => {
    const length = Number(mock.run('llen', key))
    const at = integer(index)
    if (length === 0) throw new RedisError('ERR no such key')
    if (at >= length || at < -length) throw new RedisError('ERR index out of range')
    mock.run('lset', key, String(at), value)
    return OK
  },
  lrange: (mock, [key = '', start = '', stop = '']) => {
    const list = (mock.value(key) ?? []) as Bytes[]
    return list.slice(...bounds(start, stop, list.length))
  },
  ltrim: (mock, [key = '', start = '', stop = '']) => {
    const list = (mock.value(key) ?? []) as Bytes[]
    const [from, to] = bounds(start, stop, list.length)
    if (from >= Math.min(to, list.length)) mock.run('del', key)
    else mock.run('ltrim', key, String(from), String(to - 1))
    return OK
  },
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
  scan,
  ping: (_mock, [message, extra]) => {
    if (extra !== undefined) {
      throw new RedisError("ERR wrong number of arguments for 'ping' command")
    }
    return message ?? new RedisStatus('PONG')
  },
  time: () => {
    const now = Date.now()
    return [String(Math.floor(now / 1000)), String((now % 1000) * 1000)]
  },
}
