// A sorted set in Redis of what is still to be written to Postgres: members with the score that they had when they
// last changed. One that changes while it is written stays on the list.
import * as z from 'zod/mini'
import type { RedisClient } from './redis.ts'

const READ_SCRIPT = `
if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then return {} end
return redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1, 'WITHSCORES')`

/** Takes a member off the list unless it has changed again meanwhile. */
const WRITTEN_SCRIPT = `
local removed = 0
for i = 1, #ARGV, 2 do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    removed = removed + redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return removed`

const texts = z.array(z.string())

/** The first `count` of the list: member, score, member, score, … @throws Redis's errors */
export async function readList(redis: RedisClient, key: string, count: number): Promise<string[]> {
  return texts.parse(await redis.evaluate(READ_SCRIPT, [key], [String(count)]))
}

/** Takes off what `readList` gave, and tells how many had not changed since. @throws Redis's errors */
export async function takeOff(
  redis: RedisClient,
  key: string,
  entries: readonly string[],
): Promise<number> {
  return Number(await redis.evaluate(WRITTEN_SCRIPT, [key], entries))
}
