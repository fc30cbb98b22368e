// ioredis-mock, and the Lua it brings (fengari), set up before either is used.
import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { type Bytes, RedisError } from './reply.ts'

const fromHere = createRequire(import.meta.url)
/** fengari is the mock's own dependency: the copy that it uses is the one that is set up. */
const fromMock = createRequire(fromHere.resolve('ioredis-mock'))

// Redis's Lua is 5.1, where every number is a double that prints without `.0`. fengari is 5.3 with integers of
// 32 bits: `tonumber('1700000000') * 1000` would be -807049216, and a number that Redis returns would print as `5.0`.
process.env.FENGARICONF = JSON.stringify({ LUA_COMPAT_FLOATSTRING: true })
export const fengari = fromMock('fengari') as Fengari
const lobject = fromMock('fengari/src/lobject.js') as FengariObjects
const { luaS_bless } = fromMock('fengari/src/lstring.js') as {
  luaS_bless(L: LuaState, text: LuaString): unknown
}
const { TValue } = lobject
TValue.prototype.setivalue = TValue.prototype.setfltvalue
// And 5.1 writes a number with `%.14g`, so that 10^15 is `1e+15` here as there.
lobject.luaO_tostring = (L, value) => {
  value.setsvalue(luaS_bless(L, fengari.to_luastring(numberToText(value.value))))
}
// Another program that this one starts may have a fengari of its own.
delete process.env.FENGARICONF

const RedisMock = fromHere('ioredis-mock') as MockClass

/** C's `%.14g`. */
function numberToText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '-nan' : value > 0 ? 'inf' : '-inf'
  const [mantissa = '', exponentText = '0'] = value.toExponential(13).split('e')
  const exponent = Number(exponentText)
  if (exponent >= -4 && exponent < 14) return String(Number(value.toPrecision(14)))
  const sign = exponent < 0 ? '-' : '+'
  const digits = String(Math.abs(exponent)).padStart(2, '0')
  return `${mantissa.replace(/\.?0+$/, '')}e${sign}${digits}`
}

/** What a command of the mock gives: never its promise, for a script must have it at once. */
export type MockCommand = (...args: Bytes[]) => unknown

/** One row of `COMMAND`: name, arity, flags, first, last and step of the keys, ACL categories. */
export type CommandInfo = readonly [
  name: string,
  arity: number,
  flags: readonly string[],
  firstKey: number,
  lastKey: number,
  step: number,
  categories: readonly string[],
]

export interface Mock {
  /** @throws RedisError */
  run: MockCommand
  /** What is stored at a key: a string, or the collection (a copy). */
  value(key: Bytes): unknown
  supports(name: string): boolean
}

/** A mock with data of its own: mocks of the same host, port and database would share theirs. */
export function createMock(): Mock {
  const redis = new RedisMock({ host: randomUUID() })
  const names = new Set(Object.keys(redis))
  /** The mock's pipeline knows the commands without their promises: this one runs each at once. */
  const now = new (class extends RedisMock.Pipeline {
    reply: unknown
    override _addTransaction(command: MockCommand, _name: string, args: Bytes[]): void {
      this.reply = command(...args)
    }
  })(redis)
  return {
    run: (name = '', ...args) => {
      const command = now[name]
      if (typeof command !== 'function') throw new Error(`The mock has no ${name}`)
      now.reply = undefined
      try {
        command.call(now, ...args)
      } catch (error) {
        throw answerOf(error)
      }
      return now.reply
    },
    value: (key) => (redis.data.has(key) ? redis.data.get(key) : undefined),
    supports: (name) => names.has(name) && typeof now[name] === 'function',
  }
}

/** What the mock refuses in plain words is Redis's general error; a fault of its code stays one. */
function answerOf(error: unknown): unknown {
  if (!(error instanceof Error) || error.constructor !== Error) return error
  return new RedisError(/^[A-Z]+ /.test(error.message) ? error.message : `ERR ${error.message}`)
}

export const commandInfo = fromHere('ioredis-mock/data/command-info.json') as readonly CommandInfo[]

interface MockClass {
  new (options: {
    host: string
  }): {
    data: { has(key: Bytes): boolean; get(key: Bytes): unknown }
  }
  Pipeline: new (
    redis: object,
  ) => {
    [command: string]: unknown
    _addTransaction(command: MockCommand, name: string, args: Bytes[]): void
  }
}

/** fengari's inside, as far as it is changed. */
interface FengariObjects {
  TValue: { prototype: { setivalue(n: number): void; setfltvalue(n: number): void } }
  luaO_tostring(L: LuaState, value: { value: number; setsvalue(text: unknown): void }): void
}

/** A Lua state. */
export type LuaState = object
/** A string of Lua: bytes. */
export type LuaString = Uint8Array

/** The part of Lua's C interface that scripts need, as fengari has it. */
export interface Fengari {
  lua: {
    LUA_OK: number
    LUA_MASKCOUNT: number
    LUA_TNIL: number
    LUA_TBOOLEAN: number
    LUA_TNUMBER: number
    LUA_TSTRING: number
    LUA_TTABLE: number
    lua_close(L: LuaState): void
    lua_dump(
      L: LuaState,
      writer: (L: LuaState, bytes: Uint8Array, size: number, data: unknown) => number,
      data: unknown,
      strip: 0 | 1,
    ): number
    lua_createtable(L: LuaState, list: number, fields: number): void
    lua_error(L: LuaState): never
    lua_getfield(L: LuaState, index: number, name: LuaString): number
    lua_gettop(L: LuaState): number
    lua_pcall(L: LuaState, args: number, results: number, handler: number): number
    lua_pop(L: LuaState, count: number): void
    lua_pushboolean(L: LuaState, value: boolean): void
    lua_pushjsfunction(L: LuaState, run: (L: LuaState) => number): void
    lua_pushnumber(L: LuaState, value: number): void
    lua_pushstring(L: LuaState, value: LuaString): void
    lua_rawgeti(L: LuaState, index: number, position: number): number
    lua_rawseti(L: LuaState, index: number, position: number): void
    lua_setfield(L: LuaState, index: number, name: LuaString): void
    lua_setglobal(L: LuaState, name: LuaString): void
    lua_sethook(L: LuaState, hook: (L: LuaState) => void, mask: number, count: number): void
    lua_toboolean(L: LuaState, index: number): boolean
    lua_tonumber(L: LuaState, index: number): number
    lua_tostring(L: LuaState, index: number): LuaString
    lua_type(L: LuaState, index: number): number
  }
  lauxlib: {
    luaL_loadbuffer(L: LuaState, source: LuaString, size: null, name: LuaString): number
    luaL_newstate(): LuaState
    luaL_requiref(L: LuaState, name: LuaString, open: (L: LuaState) => number, global: number): void
    luaL_where(L: LuaState, level: number): void
  }
  lualib: Record<
    'luaopen_base' | 'luaopen_string' | 'luaopen_table' | 'luaopen_math',
    (L: LuaState) => number
  >
  to_luastring(text: string): LuaString
}
