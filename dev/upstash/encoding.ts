// Replies as JSON: text, or base64 of every string where the client asks for it.
import { isReplies, RedisError, type RedisReply, RedisStatus } from '../redis/reply.ts'

export type Encoding = 'base64' | 'text'

/** The one string that stays as it is under base64, at the top only: the client decodes it anywhere else. */
const PLAIN = 'OK'

export function encode(reply: RedisReply, encoding: Encoding): unknown {
  if (encoding === 'base64' && bytesOf(reply)?.toString() === PLAIN) return PLAIN
  return encodeNested(reply, encoding)
}

function encodeNested(reply: RedisReply, encoding: Encoding): unknown {
  if (isReplies(reply)) return reply.map((each) => encodeNested(each, encoding))
  const bytes = bytesOf(reply)
  return bytes ? bytes.toString(encoding === 'base64' ? 'base64' : 'utf8') : reply
}

function bytesOf(reply: RedisReply): Buffer | null {
  if (Buffer.isBuffer(reply)) return reply
  if (reply instanceof RedisStatus) return Buffer.from(reply.text)
  return reply instanceof RedisError ? Buffer.from(reply.message) : null
}
