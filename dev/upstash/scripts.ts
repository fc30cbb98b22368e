// Upstash knows a flag of scripts that Redis refuses, `allow-key-locking`, by which @upstash/ratelimit's begin: it is
// taken away on the way to Redis, and the script is still found by the digest of what the client wrote.
import { createHash } from 'node:crypto'
import type { RedisArgument } from '../redis/client.ts'
import type { CommandLine } from './request.ts'

/** One Upstash's: what a digest of the client's is called at Redis. */
export function upstashScripts(): (line: CommandLine) => CommandLine {
  const digests = new Map<string, string>()
  return (line) => {
    const [script, ...rest] = line.args
    if (script === undefined) return line
    const name = line.name.toLowerCase()
    if (name === 'evalsha' || name === 'evalsha_ro') {
      const known = digests.get(textOf(script).toLowerCase())
      return known === undefined ? line : { ...line, args: [known, ...rest] }
    }
    if (name !== 'eval' && name !== 'eval_ro') return line
    const sent = textOf(script)
    const plain = sent.replace(/^(#!lua .*?)flags=allow-key-locking(?=\s)/, '$1')
    if (plain === sent) return line
    digests.set(sha1(sent), sha1(plain))
    return { ...line, args: [plain, ...rest] }
  }
}

function textOf(argument: RedisArgument): string {
  return typeof argument === 'string' ? argument : Buffer.from(argument).toString()
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}
