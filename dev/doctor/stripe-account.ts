// Stripe: whether it answers, whether it takes the key, and whose key it is.
import * as z from 'zod'
import { isLoopback } from '../loopback.ts'
import { checkClock, readingOf } from './clock.ts'
import type { Finding } from './finding.ts'
import { isLive, LIMIT_MS, type Patient, START_STACK } from './patient.ts'

export interface StripeVisit {
  findings: Finding[]
  clock: Finding[]
  /** Whether there is more to ask. */
  accepted: boolean
  /** What an endpoint without a version of its own is sent. */
  accountVersion: string | undefined
}

const accountShape = z.object({
  id: z.string(),
  email: z.string().nullish(),
  business_profile: z.object({ name: z.string().nullish() }).nullish(),
  settings: z.object({ dashboard: z.object({ display_name: z.string().nullish() }) }).nullish(),
})
const errorShape = z.object({ error: z.object({ message: z.string() }) })

/** Not by stripe-node, which names a version with each request: without one the account's own is answered. */
export async function visitStripe({ stripe, values, sources, now }: Patient): Promise<StripeVisit> {
  const item = 'Stripe'
  const key = values.STRIPE_SECRET_KEY
  const nothing = { clock: [], accepted: false, accountVersion: undefined }
  if (!stripe || !key) {
    const missing = key ? 'STRIPE_API_BASE' : 'STRIPE_SECRET_KEY'
    return { ...nothing, findings: [{ level: 'skip', item, says: `not checked: ${missing}` }] }
  }
  const from = sources.STRIPE_SECRET_KEY
  const base = values.STRIPE_API_BASE ?? 'https://api.stripe.com'
  const { host } = new URL(base)
  const before = now()
  const response = await fetch(new URL('/v1/account', base), {
    headers: { Authorization: `Bearer ${key}` },
    redirect: 'manual',
    signal: AbortSignal.timeout(LIMIT_MS),
  }).catch(() => undefined)
  const body: unknown = await response?.json().catch(() => null)
  const after = now()
  if (!response) {
    const todo = isLoopback(base) ? START_STACK : 'check the network, and STRIPE_API_BASE'
    return {
      ...nothing,
      findings: [{ level: 'fail', item, says: `${host} does not answer`, todo }],
    }
  }
  const accountVersion = response.headers.get('Stripe-Version') ?? undefined
  const clock = checkClock('Stripe', readingOf(response.headers, before, after))
  const mode = isLive(key) ? 'live' : 'test'
  const reached: Finding = { level: 'ok', item, says: `${host} answers in ${after - before} ms` }
  const name = 'Stripe account'
  const refused = (says: string, todo: string): StripeVisit => ({
    ...nothing,
    clock,
    findings: [reached, { level: 'fail', item: name, says, from, todo }],
  })
  if (response.status === 401) {
    const todo = 'copy STRIPE_SECRET_KEY anew from https://dashboard.stripe.com/apikeys'
    return refused(`the ${mode} key is refused: it is wrong, expired or revoked`, todo)
  }
  const account = accountShape.safeParse(body)
  const message = errorShape.safeParse(body).data?.error.message ?? ''
  let whose: string
  if (response.ok && account.success) {
    const { id, email, business_profile: profile, settings } = account.data
    const title = profile?.name ?? settings?.dashboard.display_name ?? email
    whose = title ? `${id} (${title})` : id
  } else if (response.status === 403 && key.startsWith('rk_')) {
    // Restricted keys may never read the account, however much else they may.
    whose = `${/acct_\w+/.exec(message)?.[0] ?? 'account'} by a restricted key, which may not read its name`
  } else {
    return refused(
      `${host} answers with status ${response.status}: ${message.slice(0, 120) || 'not as Stripe does'}`,
      'check STRIPE_API_BASE and https://status.stripe.com',
    )
  }
  const says = `${whose}, ${mode} mode${accountVersion ? `, API version ${accountVersion}` : ''}`
  return {
    findings: [reached, { level: 'ok', item: name, says, from }],
    clock,
    accepted: true,
    accountVersion,
  }
}
