// Faults at the network edge of the stack, kept apart by an unguessable id in the request's body.
import { onTestFinished } from 'vitest'
import { stack } from './stripe.ts'

/** The body of `POST /_faults`: see dev/faults/order.ts. */
interface FaultOrder {
  match: { method?: string; path?: string; bodyIncludes?: string }
  fault:
    | { kind: 'hang' | 'reset' | 'lose-answer' | 'hold' | 'truncate' | 'break-off' }
    | { kind: 'slow'; afterMs: number }
    | { kind: 'status'; status: number; body?: string; contentType?: string }
  times?: number
}

const ORIGINS = {
  postgres: () => `http://${new URL(stack.databaseUrl).host}`,
  redis: () => stack.redisUrl,
  stripe: () => stack.stripeApiBase,
}

export interface Fault {
  /** Resolves once it was hit `times` times. */
  hit(times?: number): Promise<void>
  /** Lets go what a `hold` holds. */
  release(): Promise<void>
  remove(): Promise<void>
}

/** Orders a fault of one service; it ends with the test. */
export async function inject(service: keyof typeof ORIGINS, order: FaultOrder): Promise<Fault> {
  const base = `${ORIGINS[service]()}/_faults`
  const answer = await fetch(base, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(order),
  })
  if (answer.status !== 201) throw new Error(`The fault was refused: ${await answer.text()}`)
  const { id } = (await answer.json()) as { id: string }
  const remove = async () => {
    await (await fetch(`${base}/${id}`, { method: 'DELETE' })).text()
  }
  onTestFinished(remove)
  return {
    hit: async (times = 1) => {
      await (await fetch(`${base}/${id}/wait?hits=${times}`)).text()
    },
    release: async () => {
      await (await fetch(`${base}/${id}/release`, { method: 'POST' })).text()
    },
    remove,
  }
}
