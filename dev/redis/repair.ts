// What the repaired commands share: their shape, and how Redis reads numbers.
import type { Mock } from './mock.ts'
import { type Bytes, RedisError, type Reply } from './reply.ts'

/** A command with its arguments, the key first; `name` in lower case. */
export type Repair = (mock: Mock, args: Bytes[], name: string) => Reply

export const syntaxError = () => new RedisError('ERR syntax error')

/** @throws RedisError */
export function integer(text: Bytes | undefined): number {
  const value = Number(text)
  if (text !== undefined && /^(0|-?[1-9]\d*)$/.test(text) && Number.isSafeInteger(value)) {
    return value
  }
  throw new RedisError('ERR value is not an integer or out of range')
}

export function positive(text: Bytes): number {
  if (/^\d+$/.test(text)) return Number(text)
  throw new RedisError('ERR value is out of range, must be positive')
}

const INFINITE: Readonly<Record<string, number>> = { inf: Infinity, infinity: Infinity }

export function float(text: Bytes, message = 'ERR value is not a valid float'): number {
  const [, sign = '', size = ''] = /^([+-]?)(.*)$/.exec(text) ?? []
  const infinite = INFINITE[size.toLowerCase()]
  if (infinite !== undefined) return sign === '-' ? -infinite : infinite
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text)
  throw new RedisError(message)
}

/** Start and end of a range with places from the end, end excluded. */
export function bounds(startText: Bytes, stopText: Bytes, length: number): [number, number] {
  const [start, stop] = [integer(startText), integer(stopText)]
  const from = Math.max(start < 0 ? length + start : start, 0)
  return [from, Math.max((stop < 0 ? length + stop : stop) + 1, 0)]
}
