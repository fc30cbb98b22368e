// Commands that ioredis-mock answers wrongly, written again over what it does right.
// SET and GETEX: options in lower case, GET with others, KEEPTTL, times of 0. EXPIRE: NX, XX, GT, LT.
// INCR and its kin: text counted as NaN. RENAME of nothing. LSET past the end, counts below 0, ends in lower case.
// SPOP with a count. SCAN: TYPE. TIME: microseconds that are not those of its second.
import { bounds, float, integer, positive, type Repair, syntaxError } from './repair.ts'
import { type Bytes, OK, RedisError, RedisStatus } from './reply.ts'
import { sortedSetRepairs } from './sorted-set-repairs.ts'

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
  mock.run('pexpireat', key, String(at))
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

const pop: Repair = (mock, [key = '', countText], name) => {
  if (countText === undefined) return (mock.run(name, key) ?? null) as Bytes | null
  const count = positive(countText)
  if (mock.value(key) === undefined) return null
  const length = Number(mock.run('llen', key))
  return count === 0 ? [] : (mock.run(name, key, String(Math.min(count, length))) as Bytes[])
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
  ...sortedSetRepairs,
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
