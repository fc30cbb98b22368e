// What the stack needs of Redis, embedded or real.
import type { RedisReply } from './reply.ts'

export type RedisArgument = string | Uint8Array

/** The narrow side of Redis that the stack needs. */
export interface RedisServer {
  kind: 'embedded' | 'server'
  /**
   * One command, whole before the next begins.
   * @throws RedisError when Redis answers with an error
   */
  call(command: string, args: readonly RedisArgument[]): Promise<RedisReply>
  /**
   * A transaction: a reply for each command, a RedisError for each that failed.
   * @throws RedisError when one is malformed, and then none has run
   */
  multi(commands: readonly (readonly RedisArgument[])[]): Promise<RedisReply[]>
  close(): Promise<void>
}
