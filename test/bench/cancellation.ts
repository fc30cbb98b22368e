// A cancellation at Stripe, told to one isolate: how long another, which knows the account, still lets it in.
import { callOnce, sleep } from './load.ts'
import { benchCall } from './request.ts'
import { type Setting, withWorkerds } from './setting.ts'
import { cancelNow, delivery, latestEvent, subscribe } from './stripe.ts'
import type { Workerd } from './workerd.ts'

const POLL_MS = 20

export interface CancellationResult {
  memorySeconds: number
  /** From the webhook's answer at one isolate to the refusal at the other. */
  secondsToRefusal: number
  /** And at the one that heard of it. */
  secondsToRefusalThere: number
}

export async function cancellation(
  setting: Setting,
  memorySeconds: number,
): Promise<CancellationResult> {
  const { bundles, accounts, stack } = setting
  const { info } = stack
  const vars = { ...setting.vars, PAYWALL_MEMORY_SECONDS: String(memorySeconds) }
  return withWorkerds(2, bundles.paid, vars, async ([first, second]) => {
    const subscription = await subscribe(info)
    const [account] = await accounts.create(1, { customer: subscription.customer })
    const call = benchCall(account?.key)
    const deliver = async (type: string) => {
      const event = await latestEvent(info, subscription, type)
      await callOnce((first as Workerd).port, delivery(info, event), 200)
    }
    await deliver('customer.subscription.created')
    const workers = [first, second] as [Workerd, Workerd]
    for (const { port } of workers) await callOnce(port, call, 200)
    await cancelNow(info, subscription)
    // Fresh in the other's memory: the longest that it can take.
    await callOnce(workers[1].port, call, 200)
    await deliver('customer.subscription.deleted')
    const told = performance.now()
    const [there, elsewhere] = await Promise.all(
      workers.map(({ port }) => refusedAfter(port, call, told)),
    )
    return {
      memorySeconds,
      secondsToRefusal: elsewhere as number,
      secondsToRefusalThere: there as number,
    }
  })
}

async function refusedAfter(port: number, call: Buffer, since: number): Promise<number> {
  for (;;) {
    const { status, body } = await callOnce(port, call)
    if (status === 402) return (performance.now() - since) / 1000
    if (status !== 200) throw new Error(`A call was answered ${status}: ${body.slice(0, 300)}`)
    await sleep(POLL_MS)
  }
}
