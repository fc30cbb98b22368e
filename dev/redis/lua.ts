// Lua scripts as Redis runs them: KEYS, ARGV, redis.call, and what turns into what on the way in and out.
// Missing: cjson, cmsgpack, struct, bit, and Lua 5.1's own module functions (setfenv and the like).
import { createHash } from 'node:crypto'
import { PRELUDE } from './lua-prelude.ts'
import { fengari, type LuaState } from './mock.ts'
import { type Bytes, isReplies, RedisError, RedisStatus, type Reply } from './reply.ts'

const { lua, lauxlib, lualib, to_luastring: word } = fengari

/** Instructions after which a script is taken for endless. */
const MAX_INSTRUCTIONS = 50_000_000

export const sha1 = (bytes: Bytes | Uint8Array): string =>
  createHash('sha1')
    .update(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    .digest('hex')

export interface Script {
  source: Bytes
  keys: readonly Bytes[]
  args: readonly Bytes[]
  /** Runs a command at once. @throws RedisError */
  call(argv: Bytes[]): Reply
}

/** @throws RedisError for a source that does not compile */
export function checkScript(source: Bytes): void {
  const L = lauxlib.luaL_newstate()
  load(L, source)
  lua.lua_close(L)
}

/** @throws RedisError what the script raised */
export function runScript({ source, keys, args, call }: Script): Reply {
  const L = lauxlib.luaL_newstate()
  openLibraries(L)
  const strays = defineRedis(L, call)
  pushReply(L, keys)
  lua.lua_setglobal(L, word('KEYS'))
  pushReply(L, args)
  lua.lua_setglobal(L, word('ARGV'))
  load(L, toLua(PRELUDE), 'prelude')
  lua.lua_pcall(L, 0, 0, 0)
  const fault = { place: '' }
  lua.lua_pushjsfunction(L, (state) => {
    fault.place = placeOf(state)
    return 1
  })
  load(L, source)
  lua.lua_sethook(L, stopRunaway, lua.LUA_MASKCOUNT, MAX_INSTRUCTIONS)
  const status = lua.lua_pcall(L, 0, 1, 1)
  if (strays.length > 0) throw strays[0]
  if (status !== lua.LUA_OK) throw raised(L, `${sha1(source)}${fault.place}`)
  const reply = toReply(L)
  lua.lua_close(L)
  return reply
}

/** A text of ours as the bytes that Lua reads. */
const toLua = (text: string): Bytes => Buffer.from(text).toString('latin1')

/** `#!lua flags=…` speaks to the server, not to Lua. Its flags relax what is not enforced here anyway. */
const SHEBANG = /^#!lua\b.*/

/** Scripts in the form that Lua compiles them to, which takes longer than to run them. */
const compiled = new Map<Bytes, Uint8Array>()
const MOST_COMPILED = 500

function load(L: LuaState, source: Bytes, name = 'user_script'): void {
  const chunk = compiled.get(source) ?? Buffer.from(source.replace(SHEBANG, ''), 'latin1')
  const status = lauxlib.luaL_loadbuffer(L, chunk, null, word(`@${name}`))
  if (status !== lua.LUA_OK) {
    const message = stringAt(L, -1).replace(/near (<\w+>)$/, "near '$1'")
    throw new RedisError(`ERR Error compiling script (new function): ${message}`)
  }
  if (compiled.has(source)) return
  if (compiled.size >= MOST_COMPILED) compiled.clear()
  compiled.set(source, dump(L))
}

/** What the function on top of the stack was compiled to. */
function dump(L: LuaState): Uint8Array {
  const parts: Uint8Array[] = []
  lua.lua_dump(
    L,
    (_: LuaState, bytes: Uint8Array, size: number) => {
      parts.push(bytes.slice(0, size))
      return 0
    },
    null,
    0,
  )
  return Buffer.concat(parts)
}

function openLibraries(L: LuaState): void {
  lauxlib.luaL_requiref(L, word('_G'), lualib.luaopen_base, 1)
  lauxlib.luaL_requiref(L, word('string'), lualib.luaopen_string, 1)
  lauxlib.luaL_requiref(L, word('table'), lualib.luaopen_table, 1)
  lauxlib.luaL_requiref(L, word('math'), lualib.luaopen_math, 1)
  lua.lua_pop(L, 4)
}

function stopRunaway(L: LuaState): void {
  // From here on at every instruction, so that no pcall of the script can go on.
  lua.lua_sethook(L, stopRunaway, lua.LUA_MASKCOUNT, 1)
  raise(L, new RedisError(`ERR Script ended: it ran for more than ${MAX_INSTRUCTIONS} steps`))
}

/** Gives back the list into which errors go that are nobody's answer, but a defect. */
function defineRedis(L: LuaState, call: Script['call']): unknown[] {
  const strays: unknown[] = []
  const define = (name: string, run: (L: LuaState) => Reply, raises = true) => {
    lua.lua_pushjsfunction(L, (state) => {
      let reply: Reply
      try {
        reply = run(state)
      } catch (error) {
        if (!(error instanceof RedisError)) strays.push(error)
        reply = error instanceof RedisError ? error : new RedisError('ERR internal error')
        if (raises) return raise(state, reply)
      }
      pushReply(state, reply)
      return 1
    })
    lua.lua_setfield(L, -2, word(name))
  }
  const command = (state: LuaState): Reply => call(argumentsOf(state))
  lua.lua_createtable(L, 0, 8)
  define('call', command)
  define('pcall', command, false)
  define('error_reply', (state) => new RedisError(errorText(onlyText(state))))
  define('status_reply', (state) => new RedisStatus(onlyText(state)))
  define('sha1hex', (state) => {
    if (lua.lua_gettop(state) !== 1) throw new RedisError('ERR wrong number of arguments')
    return sha1(lua.lua_tostring(state, 1))
  })
  define('log', () => null)
  define('replicate_commands', () => 1)
  for (const [level, name] of ['DEBUG', 'VERBOSE', 'NOTICE', 'WARNING'].entries()) {
    lua.lua_pushnumber(L, level)
    lua.lua_setfield(L, -2, word(`LOG_${name}`))
  }
  lua.lua_setglobal(L, word('redis'))
  return strays
}

function onlyText(L: LuaState): Bytes {
  if (lua.lua_gettop(L) === 1 && lua.lua_type(L, 1) === lua.LUA_TSTRING) return stringAt(L, 1)
  throw new RedisError('ERR wrong number or type of arguments')
}

/** A message of one word gets Redis's general code before it. */
function errorText(text: Bytes): Bytes {
  if (text.startsWith('-')) return text.slice(1)
  return text.includes(' ') ? text : `ERR ${text}`
}

function argumentsOf(L: LuaState): Bytes[] {
  const count = lua.lua_gettop(L)
  if (count === 0) {
    throw new RedisError('ERR Please specify at least one argument for this redis lib call')
  }
  return Array.from({ length: count }, (_, at) => {
    const type = lua.lua_type(L, at + 1)
    if (type === lua.LUA_TSTRING) return stringAt(L, at + 1)
    if (type === lua.LUA_TNUMBER) return numberText(lua.lua_tonumber(L, at + 1))
    throw new RedisError('ERR Lua redis lib command arguments must be strings or integers')
  })
}

/** As C prints it with `%.17g`. */
function numberText(value: number): Bytes {
  if (Number.isSafeInteger(value)) return String(value)
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '-nan' : value > 0 ? 'inf' : '-inf'
  return value.toPrecision(17).replace(/\.?0+(?=e|$)/, '')
}

function raise(L: LuaState, error: RedisError): never {
  pushReply(L, error)
  return lua.lua_error(L)
}

const stringAt = (L: LuaState, index: number): Bytes =>
  Buffer.from(lua.lua_tostring(L, index)).toString('latin1')

/** Nil becomes false, a status or an error a table with its text. */
function pushReply(L: LuaState, reply: Reply): void {
  if (reply === null) lua.lua_pushboolean(L, false)
  else if (typeof reply === 'number') lua.lua_pushnumber(L, reply)
  else if (typeof reply === 'string') lua.lua_pushstring(L, Buffer.from(reply, 'latin1'))
  else if (isReplies(reply)) {
    lua.lua_createtable(L, reply.length, 0)
    reply.forEach((each, at) => {
      pushReply(L, each)
      lua.lua_rawseti(L, -2, at + 1)
    })
  } else {
    const [field, text] = reply instanceof RedisStatus ? ['ok', reply.text] : ['err', reply.message]
    lua.lua_createtable(L, 0, 1)
    lua.lua_pushstring(L, Buffer.from(text, 'latin1'))
    lua.lua_setfield(L, -2, word(field))
  }
}

/** The value on top of the stack, which it takes off. */
function toReply(L: LuaState): Reply {
  const reply = topReply(L)
  lua.lua_pop(L, 1)
  return reply
}

function topReply(L: LuaState): Reply {
  const type = lua.lua_type(L, -1)
  if (type === lua.LUA_TSTRING) return stringAt(L, -1)
  if (type === lua.LUA_TNUMBER) return Math.trunc(lua.lua_tonumber(L, -1)) + 0
  if (type === lua.LUA_TBOOLEAN) return lua.lua_toboolean(L, -1) ? 1 : null
  if (type !== lua.LUA_TTABLE) return null
  const error = fieldOf(L, 'err')
  if (error !== null) return new RedisError(oneLine(error))
  const status = fieldOf(L, 'ok')
  if (status !== null) return new RedisStatus(oneLine(status))
  const list: Reply[] = []
  while (lua.lua_rawgeti(L, -1, list.length + 1) !== lua.LUA_TNIL) list.push(toReply(L))
  lua.lua_pop(L, 1)
  return list
}

/** A field of the table on top of the stack, where it is a string. */
function fieldOf(L: LuaState, name: string): Bytes | null {
  const isText = lua.lua_getfield(L, -1, word(name)) === lua.LUA_TSTRING
  const text = isText ? stringAt(L, -1) : null
  lua.lua_pop(L, 1)
  return text
}

/** Replies of one line hold no line break. */
const oneLine = (text: Bytes): Bytes => text.replace(/[\r\n]/g, ' ')

/** The line of the script that raised an error, straight or by a function of a library. */
function placeOf(L: LuaState): string {
  for (const level of [1, 2, 3]) {
    lauxlib.luaL_where(L, level)
    const line = /user_script:(\d+):/.exec(stringAt(L, -1))?.[1]
    lua.lua_pop(L, 1)
    if (line !== undefined) return `, on @user_script:${line}`
  }
  return ''
}

function raised(L: LuaState, scriptAndPlace: string): RedisError {
  const type = lua.lua_type(L, -1)
  const isTable = type === lua.LUA_TTABLE
  const plain = type === lua.LUA_TSTRING || type === lua.LUA_TNUMBER ? stringAt(L, -1) : 'nil'
  const message = (isTable ? fieldOf(L, 'err') : null) ?? `ERR ${isTable ? 'unknown' : plain}`
  return new RedisError(`${oneLine(message)} script: ${scriptAndPlace}.`)
}
