// What Redis answers: the five kinds of reply of its protocol, and an error that carries its own words.

/** A simple status such as `OK` or `PONG`, which is not data. */
export class RedisStatus {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** An error reply. `message` begins with its code: `ERR …`, `WRONGTYPE …`, `NOSCRIPT …`. */
export class RedisError extends Error {
  override name = 'RedisError'
}

/** A reply as callers see it: data is bytes, for Redis knows no text. */
export type RedisReply = number | null | Buffer | RedisStatus | RedisError | readonly RedisReply[]

/** Bytes as the embedded engine keeps them: one character (0 to 255) for each byte, so that they can be keys of a Map. */
export type Bytes = string

/** A reply inside the embedded engine. */
export type Reply = number | null | Bytes | RedisStatus | RedisError | readonly Reply[]

export const OK = new RedisStatus('OK')

export const toBytes = (value: string | Uint8Array): Bytes =>
  Buffer.from(value as string).toString('latin1')

export const toBuffer = (bytes: Bytes): Buffer => Buffer.from(bytes, 'latin1')

/** Text of a message that was put together from bytes. */
export const toText = (bytes: Bytes): string => toBuffer(bytes).toString('utf8')

export function toReply(reply: Reply): RedisReply {
  if (typeof reply === 'string') return toBuffer(reply)
  if (isReplies(reply)) return reply.map(toReply)
  return reply
}

export function isReplies<T>(reply: T | readonly T[]): reply is readonly T[] {
  return Array.isArray(reply)
}
