// The account's snapshot in Redis as the operator sees it: its keys, whatever the form's number, and their expiry.
import { stack } from './stripe.ts'

/** One command at the stack's Redis. */
export async function redisCommand<T>(...command: string[]): Promise<T> {
  const answer = await fetch(stack.redisUrl, {
    method: 'POST',
    headers: { Authorization: `Bearer ${stack.redisToken}` },
    body: JSON.stringify(command),
  })
  const { result, error } = (await answer.json()) as { result: T; error?: string }
  if (error) throw new Error(`${command[0]}: ${error}`)
  return result
}

/** The keys that hold something of this account's snapshot: one, or none. */
export function snapshotKeys(userId: string): Promise<string[]> {
  return redisCommand('KEYS', `tollgate:account:*${userId}`)
}

/** Milliseconds that each of them has left; -1 for a key without an expiry. */
export async function snapshotTtls(userId: string): Promise<number[]> {
  const keys = await snapshotKeys(userId)
  return Promise.all(keys.map((key) => redisCommand<number>('PTTL', key)))
}

/** As if it had expired. */
export async function forgetSnapshot(userId: string): Promise<void> {
  for (const key of await snapshotKeys(userId)) await redisCommand('DEL', key)
}
