// The embedded engine: ioredis-mock behind Redis's own checks, replies and errors.
// The mock keeps text, so bytes go in as one character each (0 to 255) and come out the same. It has no
// streams, no bitmaps beyond GETBIT and SETBIT, no geo, JSON or HyperLogLog; hash fields that look like numbers come
// first. Whatever it lacks is an unknown command. Integers are exact to 2^53.
import { checkScript, runScript, sha1 } from './lua.ts'
import { type CommandInfo, commandInfo, createMock, type Mock } from './mock.ts'
import { integer } from './repair.ts'
import { repairs } from './repairs.ts'
import { type Bytes, OK, RedisError, RedisStatus, type Reply } from './reply.ts'

const table = new Map(commandInfo.map((info) => [info[0].toLowerCase(), info]))
const OWN = new Set(['eval', 'eval_ro', 'evalsha', 'evalsha_ro', 'script', 'command'])
/** Those of a connection, which this engine has not, or which the mock only pretends to do. */
const REFUSED =
  /^(auth|client|cluster|config|debug|failover|hello|info|latency|monitor|multi|exec|discard|watch|unwatch|quit|reset|select|replicaof|replconf|role|p?sync|p?subscribe|p?unsubscribe|save|bgsave|bgrewriteaof|lolwut|readonly|readwrite|asking|swapdb|shutdown|x[a-z]+|b[lrz].*)$/
/** What answers with a status; the mock gives text for that as for data. */
const STATUS = new Set(['set', 'mset', 'hmset', 'lset', 'rename', 'flushdb', 'flushall', 'type'])
/** Redis's types, as its ACL categories call them, and the mock's. */
const TYPES = new Map([
  ['@string', 'string'],
  ['@hash', 'hash'],
  ['@list', 'list'],
  ['@set', 'set'],
  ['@sortedset', 'zset'],
])
/** They write whatever was there, or look at each key by themselves. */
const ANY_TYPE = new Set([
  'set',
  'setex',
  'psetex',
  'setnx',
  'mset',
  'msetnx',
  'mget',
  'sunionstore',
  'sinterstore',
  'sdiffstore',
])
/** `name field value field value`: pairs after the first `from` words. */
const PAIRS: Readonly<Record<string, number>> = { hset: 2, hmset: 2, mset: 1, msetnx: 1 }

/** One engine with data of its own. Everything in it is synchronous: that makes scripts and transactions atomic. */
export class Engine {
  readonly #onWrite: () => void
  readonly #mock: Mock = createMock()
  readonly #scripts = new Map<string, Bytes>()

  /** `onWrite` hears of every command that writes, those of scripts too. */
  constructor(onWrite: () => void = () => {}) {
    this.#onWrite = onWrite
  }

  /** @throws RedisError */
  call(argv: Bytes[], script?: { readOnly: boolean }): Reply {
    const info = this.#check(argv, script)
    const name = info[0].toLowerCase()
    const args = argv.slice(1)
    const reply = OWN.has(name) ? this.#own(name, args) : this.#data(name, args, info)
    // A script may hand back an error as its value.
    if (reply instanceof RedisError) throw reply
    return reply
  }

  multi(commands: Bytes[][]): Reply[] {
    for (const argv of commands) this.#check(argv)
    return commands.map((argv) => {
      try {
        return this.call(argv)
      } catch (error) {
        if (error instanceof RedisError) return error
        throw error
      }
    })
  }

  /** What Redis refuses before it runs or queues a command. */
  #check(argv: Bytes[], script?: { readOnly: boolean }): CommandInfo {
    const name = (argv[0] ?? '').toLowerCase()
    const info = this.#infoOf(name)
    if (script && table.get(name)?.[2].includes('noscript')) {
      throw new RedisError('ERR This Redis command is not allowed from script')
    }
    if (!info) {
      throw new RedisError(
        script ? 'ERR Unknown Redis command called from script' : unknownCommand(argv),
      )
    }
    const [, arity, flags] = info
    const pairsFrom = PAIRS[name]
    if (
      (arity < 0 ? argv.length < -arity : argv.length !== arity) ||
      (pairsFrom !== undefined && (argv.length - pairsFrom) % 2 !== 0)
    ) {
      throw new RedisError(
        script
          ? 'ERR Wrong number of args calling Redis command from script'
          : `ERR wrong number of arguments for '${name}' command`,
      )
    }
    if (script?.readOnly && flags.includes('write')) {
      throw new RedisError('ERR Write commands are not allowed from read-only scripts.')
    }
    return info
  }

  #infoOf(name: string): CommandInfo | undefined {
    if (REFUSED.test(name)) return undefined
    const served = OWN.has(name) || Object.hasOwn(repairs, name) || this.#mock.supports(name)
    return served ? table.get(name) : undefined
  }

  #data(name: string, args: Bytes[], info: CommandInfo): Reply {
    const keys = keysOf(args, info)
    if (!ANY_TYPE.has(name)) for (const key of keys) this.#checkType(key, info)
    const reply = this.#run(name, args)
    if (info[2].includes('write')) {
      for (const key of keys) this.#dropEmpty(key)
      this.#onWrite()
    }
    return reply
  }

  #run(name: string, args: Bytes[]): Reply {
    if (Object.hasOwn(repairs, name)) return repairs[name]?.(this.#mock, args, name) ?? null
    return fromMock(this.#mock.run(name, ...args), name)
  }

  #checkType(key: Bytes, [, , , , , , categories]: CommandInfo): void {
    const wanted = categories.map((category) => TYPES.get(category)).find(Boolean)
    const held = wanted === undefined ? 'none' : this.#mock.run('type', key)
    if (held === 'none' || held === wanted) return
    throw new RedisError('WRONGTYPE Operation against a key holding the wrong kind of value')
  }

  /** Redis keeps no empty collection; the mock does. */
  #dropEmpty(key: Bytes): void {
    const held = this.#mock.value(key)
    if (typeof held !== 'object' || held === null) return
    const size = held instanceof Set || held instanceof Map ? held.size : Object.keys(held).length
    if (size === 0) this.#mock.run('del', key)
  }

  #own(name: string, args: Bytes[]): Reply {
    if (name === 'script') return this.#script(args)
    if (name === 'command') return this.#commands()
    const [first = '', countText, ...rest] = args
    const count = integer(countText)
    if (count > rest.length) {
      throw new RedisError("ERR Number of keys can't be greater than number of args")
    }
    if (count < 0) throw new RedisError("ERR Number of keys can't be negative")
    const bySha = name.startsWith('evalsha')
    const source = bySha ? this.#scripts.get(first.toLowerCase()) : this.#cache(first)
    if (source === undefined) {
      throw new RedisError('NOSCRIPT No matching script. Please use EVAL.')
    }
    const script = { readOnly: name.endsWith('_ro') }
    return runScript({
      source,
      keys: rest.slice(0, count),
      args: rest.slice(count),
      call: (argv) => this.call(argv, script),
    })
  }

  #cache(source: Bytes): Bytes {
    const sha = sha1(source)
    if (!this.#scripts.has(sha)) checkScript(source)
    this.#scripts.set(sha, source)
    return source
  }

  #script([subcommand = '', ...args]: Bytes[]): Reply {
    const name = subcommand.toLowerCase()
    if (name === 'load' && args.length === 1) return sha1(this.#cache(args[0] ?? ''))
    if (name === 'exists' && args.length > 0) {
      return args.map((sha) => (this.#scripts.has(sha.toLowerCase()) ? 1 : 0))
    }
    if (name === 'flush' && args.length <= 1) {
      this.#scripts.clear()
      return OK
    }
    if (['load', 'exists', 'flush'].includes(name)) {
      throw new RedisError(`ERR wrong number of arguments for 'script|${name}' command`)
    }
    throw new RedisError(`ERR unknown subcommand '${subcommand}'. Try SCRIPT HELP.`)
  }

  #commands(): Reply {
    return [...table.values()]
      .filter(([name]) => this.#infoOf(name.toLowerCase()))
      .map(([name, arity, flags, first, last, step]) => [
        name,
        arity,
        [...flags],
        first,
        last,
        step,
      ])
  }
}

function keysOf(args: Bytes[], [, , , first, last, step]: CommandInfo): Bytes[] {
  if (first === 0) return []
  const end = last < 0 ? args.length + last : last - 1
  return args.filter((_, at) => at >= first - 1 && at <= end && (at - first + 1) % step === 0)
}

/** The mock gives undefined, booleans and plain objects where Redis has nil, integers and lists. */
function fromMock(value: unknown, name: string): Reply {
  if (typeof value === 'string') return STATUS.has(name) ? new RedisStatus(value) : value
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (Array.isArray(value)) return value.map((each) => fromMock(each, ''))
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1')
  // A hash as a whole; elsewhere an object is what a field's name inherits from JavaScript, not a field.
  if (name === 'hgetall' && typeof value === 'object' && value !== null)
    return Object.entries(value).flat()
  return null
}

function unknownCommand([name = '', ...args]: Bytes[]): string {
  let beginning = ''
  for (const arg of args) {
    if (beginning.length >= 128) break
    beginning += `'${arg.slice(0, 128 - beginning.length)}' `
  }
  return `ERR unknown command '${name.slice(0, 128)}', with args beginning with: ${beginning}`
}
