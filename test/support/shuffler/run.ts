// One script from its beginning to its end.
import type { Deps } from '../../../src/context.ts'
import { checkLife } from './check.ts'
import { Courier } from './courier.ts'
import { LifeIsolate, LifeIsolates } from './isolates.ts'
import { type Elsewhere, Life } from './life.ts'
import { describeAct, type Script } from './script.ts'

/** One takes seconds, on a busy machine too. */
const LIMIT_MS = 60_000

const urls = { success_url: 'https://app.example.com/ok', cancel_url: 'https://app.example.com/no' }

/** @throws what is wrong at the end, with the whole story in its message */
export async function live(deps: Deps, elsewhere: Elsewhere, script: Script): Promise<void> {
  const lines: string[] = []
  const tooLong = AbortSignal.timeout(LIMIT_MS)
  const hangs = new Promise<never>((_, reject) => {
    tooLong.addEventListener('abort', () => reject(new Error(`It hangs after ${lines.at(-1)}`)))
  })
  try {
    await Promise.race([lead(deps, elsewhere, script, lines), hangs])
  } catch (error) {
    const message = error instanceof Error ? told(error) : String(error)
    throw new Error(`${message}\n${lines.join('\n')}`)
  }
}

async function lead(
  deps: Deps,
  elsewhere: Elsewhere,
  { trialDays, refundPolicy, steps, after }: Script,
  lines: string[],
): Promise<void> {
  const settings = { trialDays, paymentReversal: refundPolicy }
  const isolates = new LifeIsolates((now) => new LifeIsolate(deps, settings, now ?? life.now))
  let turn = 0
  const life: Life = new Life(deps, elsewhere, (tier) => {
    turn += 1
    const headers = { 'X-API-Key': life.key, 'Content-Type': 'application/json' }
    const body = JSON.stringify({ tier, ...urls })
    return isolates.at(turn % 3).call('POST', '/billing/checkout/session', headers, body)
  })
  const courier = new Courier(life, isolates, lines)
  lines.push(`A life: trial of ${trialDays} days, refund policy ${refundPolicy}`)
  await life.begin()
  for (const step of steps) {
    if (step.do === 'deliver') {
      lines.push('deliver:')
      await courier.step(step.all)
    } else {
      const line = lines.push(describeAct(step)) - 1
      if (!(await life.act(step))) lines[line] += ' -- refused'
    }
    await courier.pass()
  }
  lines.push('afterwards:')
  await courier.finish(after)
  const mayBeUncaused = steps.filter((step) => step.do === 'buy' || step.do === 'refund').length > 1
  await checkLife({ deps, life, isolates, courier, refundPolicy, mayBeUncaused })
}

/** A failed comparison says it all; of anything else one wants to know where. */
function told(error: Error): string {
  return error.name === 'AssertionError' ? error.message : (error.stack ?? error.message)
}
