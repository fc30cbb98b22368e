// The stack that everything in a run shares, in a process of its own: in memory, with faults and meters.
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { StackInfo } from '../../dev/stack-info.ts'
import { type Child, start } from './children.ts'
import { startRedisServer } from './redis-server.ts'

/** What stood at the stack's doors since the last reset. */
export interface Meters {
  postgres: number
  redis: number
  stripe: number
  /** Redis commands, each of a pipeline counted, a script as one. */
  redisCommands: number
}

export interface BenchStack {
  info: StackInfo
  /** What stands behind its doors, for people. */
  engines: string
  /** Whether it counts what stands at its doors and can delay it. */
  metered: boolean
  /** Requests and commands since the last call of it, or null where the stack has no meters. */
  readMeters(): Promise<Meters | null>
  /** Every answer of Postgres, Redis and Stripe comes this much later. */
  setRoundTrip(ms: number): Promise<void>
  /** A fault of Redis, as dev/faults.ts orders it; the function given back ends it. */
  faultRedis(order: object): Promise<() => Promise<void>>
  close(): Promise<void>
}

export async function startBenchStack(): Promise<BenchStack> {
  const server = await startRedisServer()
  const child = start(process.execPath, ['dev/stack.ts', '--memory'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, LOCAL_POSTGRES_URL: '', LOCAL_REDIS_URL: server?.url ?? '' },
  })
  const info = await firstLine(child)
  const doors = {
    postgres: `http://${new URL(info.databaseUrl).host}`,
    redis: info.redisUrl,
    stripe: info.stripeApiBase,
  }
  const readDoor = async (door: string) => {
    const answer = await fetch(`${door}/_meter`)
    const text = await answer.text()
    if (!answer.ok) return null
    await (await fetch(`${door}/_meter`, { method: 'DELETE' })).text()
    return JSON.parse(text) as { requests: number; commands?: number }
  }
  return {
    info,
    engines: `embedded Postgres, ${server ? `redis-server ${server.version}` : 'embedded Redis (slow: install redis-server)'}`,
    metered: (await readDoor(doors.redis)) !== null,
    async readMeters() {
      const [postgres, redis, stripe] = await Promise.all([
        readDoor(doors.postgres),
        readDoor(doors.redis),
        readDoor(doors.stripe),
      ])
      if (!postgres || !redis || !stripe) return null
      return {
        postgres: postgres.requests,
        redis: redis.requests,
        stripe: stripe.requests,
        redisCommands: redis.commands ?? 0,
      }
    },
    async setRoundTrip(roundTripMs) {
      for (const door of Object.values(doors)) {
        await order('PUT', `${door}/_latency`, { roundTripMs })
      }
    },
    async faultRedis(fault) {
      const { id } = JSON.parse(await order('POST', `${doors.redis}/_faults`, fault))
      return async () => {
        await order('DELETE', `${doors.redis}/_faults/${id}`)
      }
    },
    close: async () => {
      child.process.stdin?.end()
      await child.end()
      await server?.close()
    },
  }
}

async function order(method: string, url: string, body?: object): Promise<string> {
  const answer = await fetch(url, {
    method,
    ...(body && {
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`)
  return text
}

async function firstLine(child: Child): Promise<StackInfo> {
  const lines = createInterface(child.process.stdout as Readable)
  return new Promise((resolve, reject) => {
    lines.once('line', (line) => resolve(JSON.parse(line)))
    child.ended.then((end) => reject(new Error(`The stack ended with ${end} before it served`)))
  })
}
