// Deleting an account: the end of everything at Stripe, then its rows, then what Redis has of it.
import { sql } from 'drizzle-orm'
import type { Deps } from '../context.ts'
import { forgetAttempts } from '../data/attempts.ts'
import { forgetAccount } from '../data/forget-account.ts'
import { emailDigest } from '../data/former-accounts.ts'
import { Problem } from '../problem.ts'
import { endAtStripe } from './end-at-stripe.ts'
import { type Holder, holderOf } from './holder.ts'

/** What became of an account's data, for its holder. */
export interface DeletionView {
  deleted: string[]
  kept: { what: string; why: string }[]
}

/** Rounds in which a checkout that runs meanwhile makes no customer any more. */
const ROUNDS = 6

/**
 * Deletes the account. Stripe comes first: a crash after it leaves an account that pays nothing and can be deleted
 * again; the other way round one would pay whom nobody knows any more.
 * @throws Stripe's errors: no row is deleted then; Problem unavailable, invalid_token
 */
export async function deleteAccount(
  deps: Deps,
  userId: string,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<DeletionView> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const holder = await holderOf(deps, userId)
    const { stripeCustomerId: customer } = holder
    const { hadSubscription } = customer
      ? await endAtStripe(deps, customer)
      : { hadSubscription: false }
    const former = await deleteRows(deps, holder, hadSubscription)
    if (!former) continue
    await forgetAccount(deps, userId, waitUntil)
    await forgetAttempts(deps, holder.email)
    deps.log('info', 'account_deleted', { user_id: userId })
    return view(customer, former)
  }
  throw new Problem('unavailable', { headers: { 'Retry-After': '1' } })
}

interface Former {
  /** Whether the email is known again. */
  has_digest: boolean
}

/**
 * One statement: all of it, or nothing. Null where email or customer have changed since they were read: then something
 * is left to end at Stripe.
 */
async function deleteRows(
  { db, now, config }: Deps,
  { id, email, stripeCustomerId }: Holder,
  hadSubscription: boolean,
): Promise<Former | null> {
  const at = sql`${now().toISOString()}::timestamptz`
  const { rows } = await db.execute<{ has_digest: boolean }>(sql`
    with gone as (
      delete from users
      where id = ${id} and email = ${email}
        and stripe_customer_id is not distinct from ${stripeCustomerId}::text
      returning id, stripe_customer_id,
        case when trial_used or ${hadSubscription}
          or exists (select 1 from subscriptions s where s.user_id = users.id)
          then ${emailDigest(config.apiKeySecrets, email)}::text end as email_digest
    ), former as (
      insert into former_accounts (user_id, stripe_customer_id, email_digest, deleted_at)
      select id, stripe_customer_id, email_digest, ${at} from gone
    ), audited as (
      insert into audit_log (at, user_id, action, detail)
      select ${at}, id, 'account.deleted', '{}' from gone
    )
    select email_digest is not null as has_digest from gone`)
  return rows[0] ?? null
}

function view(customer: string | null, { has_digest }: Former): DeletionView {
  return {
    deleted: [
      'email and password',
      'API keys: none of them opens anything any more',
      'subscriptions and the history of use',
      'what the caches held of the account',
      ...(customer ? ['the customer at Stripe, with its cards; subscriptions ended at once'] : []),
    ],
    kept: [
      {
        what: "the account's id and when it was deleted, with the id of its customer at Stripe",
        why: 'bookkeeping must find the invoices of an account that is gone',
      },
      {
        what: 'the audit log: what changed and when, under the account id, without name or email',
        why: 'it shows why money was taken and access was given',
      },
      ...(has_digest
        ? [
            {
              what: 'a keyed digest of the email, from which it cannot be read',
              why: 'the same email gets no second trial',
            },
          ]
        : []),
      ...(customer
        ? [
            {
              what: 'invoices and payments at Stripe, unpaid ones too',
              why: 'tax law asks the seller to keep them, and what is owed stays owed',
            },
            {
              what: "the events that Stripe sent about the account's subscriptions, for 90 days",
              why: 'an event that arrives twice must count once',
            },
          ]
        : []),
    ],
  }
}
