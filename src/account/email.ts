// Changing the email: at Stripe first, as invoices go there, then in the account's row; or nowhere.
import { sql } from 'drizzle-orm'
import type { Deps } from '../context.ts'
import { isDuplicate } from '../data/db.ts'
import { isFormer } from '../data/former-accounts.ts'
import { errorFields } from '../log.ts'
import { Problem } from '../problem.ts'
import { isCustomerMissing } from '../stripe-fault.ts'
import { type Holder, holderOf } from './holder.ts'

/** Rounds in which parallel changes, or a first checkout, find their order. */
const ROUNDS = 6

/**
 * Where it fails Stripe may have heard of it all the same: it is told in the background what the account's email is.
 * @throws Stripe's and the database's errors: nothing is changed then; Problem unavailable, invalid_token
 */
export async function changeEmail(
  deps: Deps,
  userId: string,
  email: string,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<'changed' | 'email_taken'> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const holder = await holderOf(deps, userId)
    // Before Stripe hears of it; the unique index decides.
    if (await isTaken(deps, holder.id, email)) return 'email_taken'
    let stored: Awaited<ReturnType<typeof store>>
    try {
      if (holder.stripeCustomerId) await tellStripe(deps, holder.stripeCustomerId, email)
      stored = await store(deps, holder, email)
    } catch (error) {
      if (holder.stripeCustomerId) waitUntil(setBack(deps, userId))
      throw error
    }
    if (stored === 'changed') return 'changed'
    if (stored === 'lost') continue
    await setBack(deps, userId)
    return 'email_taken'
  }
  await setBack(deps, userId)
  throw new Problem('unavailable', { headers: { 'Retry-After': '1' } })
}

async function isTaken({ db }: Deps, userId: string, email: string): Promise<boolean> {
  const { rows } = await db.execute(
    sql`select 1 from users where lower(email) = lower(${email}) and id <> ${userId}`,
  )
  return rows.length > 0
}

/** A customer that Stripe no longer has is replaced by the next checkout, with the email of that day. */
async function tellStripe({ stripe }: Deps, customer: string, email: string): Promise<void> {
  try {
    await stripe.customers.update(customer, { email })
  } catch (error) {
    if (!isCustomerMissing(error)) throw error
  }
}

/**
 * Stores it where email and customer are those that Stripe was told for. No second trial comes by an email that had
 * one. The audit log tells of the change and not of the emails: it outlives the account.
 */
async function store(
  { db, now, config }: Deps,
  { id, email: old, stripeCustomerId }: Holder,
  email: string,
): Promise<'changed' | 'email_taken' | 'lost'> {
  try {
    const { rows } = await db.execute(sql`
      with changed as (
        update users set email = ${email},
          trial_used = trial_used or ${isFormer(config.apiKeySecrets, email)}
        where id = ${id} and email = ${old}
          and stripe_customer_id is not distinct from ${stripeCustomerId}::text
        returning id
      )
      insert into audit_log (at, user_id, action, detail)
      select ${now().toISOString()}::timestamptz, id, 'account.email_changed', '{}' from changed
      returning id`)
    return rows.length > 0 ? 'changed' : 'lost'
  } catch (error) {
    if (isDuplicate(error, 'users_email_key')) return 'email_taken'
    throw error
  }
}

/** `waitUntil` lasts 30 s, and a Stripe that does not answer takes most of that. */
const MOST_TRIES = 3
const PAUSE_MS = 2_000

/** Gives Stripe the email that the account has. */
async function setBack(deps: Deps, userId: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      const { email, stripeCustomerId } = await holderOf(deps, userId)
      if (stripeCustomerId) await tellStripe(deps, stripeCustomerId, email)
      return
    } catch (error) {
      if (tries === MOST_TRIES) {
        const fields = { user_id: userId, ...errorFields(error) }
        return deps.log('error', 'customer_email_not_set_back', fields)
      }
    }
    await deps.pause(PAUSE_MS)
  }
}
