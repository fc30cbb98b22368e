// Everything that is held on an account, as JSON: every table that knows it, what Redis counts, and what others hold.
import { type SQL, sql } from 'drizzle-orm'
import { accountGone } from '../account-gone.ts'
import type { Deps } from '../context.ts'
import { countedByRedis } from '../data/usage.ts'

/** A row as its table has it, instants in ISO 8601. */
type Row = Record<string, unknown>

/** Rows stand under their table's name. */
export interface AccountExport {
  exported_at: string
  account: Row
  api_keys: Row[]
  subscriptions: Row[]
  usage_windows: Row[]
  audit_log: Row[]
  /** Events of Stripe's about this account. */
  stripe_events: Row[]
  /** What Redis counts, newer than usage_windows; null where it does not answer. */
  running_counts: Row[] | null
  /** What is held and not printed here, and how to get it. */
  elsewhere: typeof ELSEWHERE
}

const ELSEWHERE = [
  {
    what: 'password',
    where: 'in the row of the account, as a salted hash (scrypt)',
    how: 'not given: it serves to check the password, and would help to guess it',
  },
  {
    what: 'the text of the API keys',
    where: 'nowhere: a key is computed from its id',
    how: 'POST /api/v1/auth/login shows the first one',
  },
  {
    what: 'name and address, cards (their last four digits), invoices, payments',
    where: 'at Stripe, under stripe_customer_id',
    how: 'POST /api/v1/billing/portal opens them; what it does not show is to be had from the seller',
  },
  {
    what: 'copies of the above that make calls quick; answers to repeated calls; counts of failed logins',
    where: 'in Redis and in the memory of the Worker, for seconds up to 40 days',
    how: 'they hold nothing else that does not stand here',
  },
  {
    what: 'up to 20 networks that the account was logged in from',
    where: 'in Redis, as keyed digests, for 90 days since the last login',
    how: 'not given: nobody reads a network out of a digest; PUT /api/v1/account/password forgets all but its own',
  },
  {
    what: 'log lines of calls, with the id of the account',
    where: 'in the logs of the platform that the seller uses',
    how: 'from the seller, as long as they are kept',
  },
] as const

/** @throws Problem invalid_token where the account was deleted meanwhile */
export async function exportAccount(deps: Deps, userId: string): Promise<AccountExport> {
  const [{ rows }, counts] = await Promise.all([
    deps.db.execute<Omit<AccountExport, 'exported_at' | 'running_counts' | 'elsewhere'>>(
      everything(userId),
    ),
    countedByRedis(deps, userId),
  ])
  const [held] = rows
  if (!held) throw accountGone()
  return {
    exported_at: deps.now().toISOString(),
    ...held,
    running_counts:
      counts?.map(({ start, end, used, quotas }) => ({
        window_start: new Date(start).toISOString(),
        window_end: new Date(end).toISOString(),
        api_calls: used.apiCalls,
        reactions: used.reactions,
        api_calls_quota: quotas.apiCalls,
        reactions_quota: quotas.reactions,
      })) ?? null,
    elsewhere: ELSEWHERE,
  }
}

/** One statement, and so one state. Whole rows: a column that is added later is in it. */
function everything(userId: string): SQL {
  const mine = sql`t.user_id = u.id`
  const aboutMe = sql`
    t.subscription_id in (select id from subscriptions where user_id = u.id)
    or t.id in (select event_id from audit_log where user_id = u.id)
    or t.object_id = u.stripe_customer_id`
  return sql`
    select to_jsonb(u) - 'password_hash' as account,
      ${rowsOf('api_keys', mine, 't.created_at, t.id')},
      ${rowsOf('subscriptions', mine, 't.created_at, t.id')},
      ${rowsOf('usage_windows', mine, 't.window_start')},
      ${rowsOf('audit_log', mine, 't.at, t.id')},
      ${rowsOf('stripe_events', aboutMe, 't.received_at, t.id')}
    from users u where u.id = ${userId}`
}

function rowsOf(table: string, of: SQL, order: string): SQL {
  const name = sql.raw(table)
  return sql`(
    select coalesce(jsonb_agg(to_jsonb(t) - 'user_id' order by ${sql.raw(order)}), '[]')
    from ${name} t where ${of}
  ) as ${name}`
}
