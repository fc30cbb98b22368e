// The rows of the Worker as it is deployed: the gateway, the webhook, registration.

import { randomBytes, randomUUID } from 'node:crypto'
import { measure, type Row, type Subject } from './measure.ts'
import { touch } from './paid-rows.ts'
import { benchCall, request } from './request.ts'
import { ROW } from './row-names.ts'
import { bareSubject, type Setting, withWorkerd, withWorkerds } from './setting.ts'
import { delivery, latestEvent, subscribe } from './stripe.ts'
import type { Workerd } from './workerd.ts'

const ACCOUNTS = 64
const SUBSCRIPTIONS = 8

export async function appRows(setting: Setting): Promise<Row[]> {
  const { bundles, vars, stack, effort, bare } = setting
  const rows: Row[] = []
  rows.push(...(await gatewayRow(setting)))
  await withWorkerd(bundles.app, vars, async (worker) => {
    rows.push(...(await measure(await webhook(setting, worker), { stack, effort, bare })))
    rows.push(...(await measure(registration(worker), { stack, effort, bare })))
  })
  return rows
}

/** A hot paid call that the seller's origin answers, against the same call at the origin itself. */
async function gatewayRow(setting: Setting): Promise<Row[]> {
  const { bundles, vars, accounts, stack, effort, bare } = setting
  const secret = randomBytes(32).toString('hex')
  return withWorkerd(bundles.bare, {}, (origin) => {
    const pointed = {
      ...vars,
      ORIGIN_URL: `http://127.0.0.1:${origin.port}`,
      ORIGIN_SIGNING_SECRET: secret,
    }
    return withWorkerds(1, bundles.app, pointed, async ([worker]) => {
      const { port, pid } = worker as Workerd
      const known = await accounts.create(ACCOUNTS)
      const calls = known.map(({ key }) => benchCall(key))
      let index = 0
      const gateway: Subject = {
        name: ROW.gateway,
        port,
        pid,
        status: 200,
        endless: true,
        warmUpSeconds: effort.hotWarmUpSeconds,
        next: () => calls[index++ % calls.length],
        prepare: () => touch(port, known, 200),
      }
      const base = bareSubject(origin)
      return measure(gateway, { stack, effort, bare, base })
    })
  })
}

/** Events of customers of ours, each one new, through verification, ledger, Stripe and the rows. */
async function webhook({ stack, accounts }: Setting, { port, pid }: Workerd): Promise<Subject> {
  const events: object[] = []
  for (let i = 0; i < SUBSCRIPTIONS; i += 1) {
    const subscription = await subscribe(stack.info)
    await accounts.create(1, { customer: subscription.customer })
    events.push(await latestEvent(stack.info, subscription, 'customer.subscription.created'))
  }
  let index = 0
  return {
    name: ROW.webhook,
    port,
    pid,
    status: 200,
    endless: true,
    next: () => delivery(stack.info, events[index++ % events.length] as object, true),
  }
}

/** Each from an address of its own. Nearly all of its time is the password's hash. */
function registration({ port, pid }: Workerd): Subject {
  return {
    name: ROW.register,
    port,
    pid,
    status: 200,
    endless: true,
    // The hash holds the isolate: of more callers each would only wait for the others.
    callers: 2,
    next: () =>
      request('/api/v1/auth/register', {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          'CF-Connecting-IP': `2001:db8:${randomBytes(2).toString('hex')}::1`,
        },
        body: JSON.stringify({
          email: `bench-${randomUUID()}@example.com`,
          password: 'correct horse battery',
        }),
      }),
  }
}
