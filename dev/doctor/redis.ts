// Redis over REST: whether it is Upstash that answers, whether the token may write, and whether scripts run.
import { randomUUID } from 'node:crypto'
import { connectRedis } from '../../src/data/redis.ts'
import { isLoopback } from '../loopback.ts'
import { checkClock, readingOf } from './clock.ts'
import type { Finding } from './finding.ts'
import { LIMIT_MS, type Patient, START_STACK } from './patient.ts'

/** What is written is gone after this time, whatever becomes of this process. */
const EXPIRY_SECONDS = 30
const ROUND_TRIP = `redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
local read = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1])
return {read, redis.call('EXISTS', KEYS[1])}`

export async function checkRedis(patient: Patient): Promise<Finding[]> {
  const { values, sources, now } = patient
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = values
  const item = 'Redis'
  if (!url || !token) {
    const missing = url ? 'UPSTASH_REDIS_REST_TOKEN' : 'UPSTASH_REDIS_REST_URL'
    return [{ level: 'skip', item, says: `not checked: ${missing}` }]
  }
  const { host } = new URL(url)
  const from = sources.UPSTASH_REDIS_REST_URL ?? sources.REDIS_HOST
  const before = now()
  const answer = await ping(url, token)
  const after = now()
  if (!answer) {
    const todo = isLoopback(url)
      ? START_STACK
      : 'check UPSTASH_REDIS_REST_URL: the https URL of REST API in the Upstash console, not redis://'
    return [{ level: 'fail', item, says: `${host} does not answer`, from, todo }]
  }
  const clock = checkClock('Redis', readingOf(answer.headers, before, after))
  const wrong = refusal(answer, host)
  if (wrong) return [{ level: 'fail', item, from, ...wrong }, ...clock]
  return [
    { level: 'ok', item, says: `${host} answers in ${after - before} ms`, from },
    await checkScripts(url, token),
    ...clock,
  ]
}

interface Answer {
  status: number
  headers: Headers
  body: { result?: unknown; error?: unknown } | null
}

async function ping(url: string, token: string): Promise<Answer | undefined> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}` },
      body: '["PING"]',
      redirect: 'manual',
      signal: AbortSignal.timeout(LIMIT_MS),
    })
    const body = await response.json().catch(() => null)
    return { status: response.status, headers: response.headers, body: body as Answer['body'] }
  } catch {
    return undefined
  }
}

function refusal({ status, body }: Answer, host: string) {
  if (status === 200 && body?.result === 'PONG') return undefined
  if (status === 401 && typeof body?.error === 'string') {
    return {
      says: `${host} refuses the token`,
      todo: 'copy UPSTASH_REDIS_REST_TOKEN from REST API in the Upstash console; the password of redis:// is another',
    }
  }
  if (typeof body?.error === 'string') {
    const says = `${host} refuses: ${body.error.slice(0, 80)}`
    return { says, todo: 'look the database up in the Upstash console' }
  }
  return {
    says: `${host} answers with status ${status}, and not as Upstash does`,
    todo: 'set UPSTASH_REDIS_REST_URL to the https URL of REST API in the Upstash console',
  }
}

/** A value is written, read back and deleted, in one script as the Worker runs them. */
async function checkScripts(url: string, token: string): Promise<Finding> {
  const item = 'Redis scripts'
  const redis = connectRedis({ url, token, timeoutMs: LIMIT_MS })
  const value = randomUUID()
  try {
    const args = [value, String(EXPIRY_SECONDS)]
    const result = await redis.evaluate(ROUND_TRIP, [`tollgate:doctor:${value}`], args)
    const [read, left] = Array.isArray(result) ? result : []
    if (read === value && left === 0) {
      return { level: 'ok', item, says: 'one wrote a value, read it back and deleted it' }
    }
    const todo = 'look the database up in the Upstash console'
    return { level: 'fail', item, says: 'what one wrote was not read back', todo }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const todo = /NOPERM/.test(message)
      ? 'this is the read-only token: copy the standard one'
      : 'use a token that may run EVAL, and write'
    return { level: 'fail', item, says: `refused: ${message}`, todo }
  }
}
