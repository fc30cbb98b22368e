// All tables. The database itself refuses what must not be: checks, unique indexes and foreign keys stand here.
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgSequence,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { KEY_MODES } from '../api-key.ts'
import { TIERS } from '../plans.ts'

/** Stripe's words for a subscription's state. */
export const SUBSCRIPTION_STATUSES = [
  'incomplete',
  'incomplete_expired',
  'trialing',
  'active',
  'past_due',
  'unpaid',
  'canceled',
  'paused',
] as const
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number]

/** Where an event stands in the ledger. */
export const EVENT_STATES = ['processing', 'failed', 'done'] as const
/** What became of an event that is done. */
export const EVENT_OUTCOMES = ['applied', 'ignored', 'stale'] as const
export type EventOutcome = (typeof EVENT_OUTCOMES)[number]

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' })
const wholeNumber = (name: string) => bigint(name, { mode: 'number' })
const oneOf = (values: readonly string[]) => sql.raw(values.map((value) => `'${value}'`).join(', '))

/**
 * Orders the reads of Stripe. A ticket is drawn before its read, so a read never shows less than its ticket's
 * moment; and each change has an event whose ticket is drawn after it, so the last ticket's read shows the last state.
 */
export const syncTicket = pgSequence('sync_ticket')

export const users = pgTable(
  'users',
  {
    id: uuid('id').primaryKey(),
    email: text('email').notNull(),
    /** PHC string: algorithm, parameters, salt and hash. */
    passwordHash: text('password_hash').notNull(),
    /** The plan that they mean to buy; what they bought stands in subscriptions. */
    tier: text('tier', { enum: TIERS }).notNull(),
    stripeCustomerId: text('stripe_customer_id'),
    /** When all of its subscriptions were last compared with Stripe's, or that was tried. */
    reconciledAt: instant('reconciled_at'),
    /** Raised to end every session: a token of an earlier one is refused. */
    sessionEpoch: integer('session_epoch').notNull().default(0),
    /** An account of this email had a subscription before it was deleted: no second trial. */
    trialUsed: boolean('trial_used').notNull().default(false),
    /** Raised by every write that the account snapshot shows; an older snapshot never replaces a newer one. */
    version: wholeNumber('version').notNull().default(1),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [
    uniqueIndex('users_email_key').on(sql`lower(${t.email})`),
    uniqueIndex('users_stripe_customer_id_key').on(t.stripeCustomerId),
    index('users_reconciled_at_index')
      .on(t.reconciledAt.asc().nullsFirst())
      .where(sql`${t.stripeCustomerId} is not null`),
    check(
      'users_email_check',
      sql`length(${t.email}) between 3 and 254 and ${t.email} like '%_@_%'`,
    ),
    check('users_tier_check', sql`${t.tier} in (${oneOf(TIERS)})`),
    check('users_stripe_customer_id_check', sql`${t.stripeCustomerId} like 'cus_%'`),
    check('users_version_check', sql`${t.version} > 0`),
    check('users_session_epoch_check', sql`${t.sessionEpoch} >= 0`),
  ],
)

/** Keys by id alone: the key itself is computed, never stored. */
export const apiKeys = pgTable(
  'api_keys',
  {
    /** 16 hex digits. */
    id: text('id').primaryKey(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    /** A test key opens the paywall without a subscription and is answered with samples. */
    mode: text('mode', { enum: KEY_MODES }).notNull().default('live'),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at'),
    revokedAt: instant('revoked_at'),
    /** To the minute; what Redis holds of the last minutes is written by the cron. */
    lastUsedAt: instant('last_used_at'),
  },
  (t) => [
    index('api_keys_user_id_index').on(t.userId),
    check('api_keys_id_check', sql`${t.id} ~ '^[0-9a-f]{16}$'`),
    check('api_keys_mode_check', sql`${t.mode} in (${oneOf(KEY_MODES)})`),
    check('api_keys_name_check', sql`length(${t.name}) between 1 and 100`),
  ],
)

/** One row a Stripe subscription, as Stripe showed it to the holder of `ticket`. */
export const subscriptions = pgTable(
  'subscriptions',
  {
    /** Stripe's id. */
    id: text('id').primaryKey(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    status: text('status', { enum: SUBSCRIPTION_STATUSES }).notNull(),
    tier: text('tier', { enum: TIERS }).notNull(),
    priceId: text('price_id').notNull(),
    currentPeriodStart: instant('current_period_start').notNull(),
    currentPeriodEnd: instant('current_period_end').notNull(),
    billingCycleAnchor: instant('billing_cycle_anchor').notNull(),
    cancelAtPeriodEnd: boolean('cancel_at_period_end').notNull(),
    cancelAt: instant('cancel_at'),
    canceledAt: instant('canceled_at'),
    endedAt: instant('ended_at'),
    trialEnd: instant('trial_end'),
    /** When the oldest invoice that is still unpaid failed: grace counts from here, not from each retry. */
    pastDueSince: instant('past_due_since'),
    /** Stripe's pause_collection: the status stays as it is. */
    collectionPaused: boolean('collection_paused').notNull(),
    /** Collection is paused in the way that means "no service" (`void`), and the running period was not paid. */
    servicePaused: boolean('service_paused').notNull().default(false),
    ticket: wholeNumber('ticket').notNull(),
    /** When Stripe made it. */
    createdAt: instant('created_at').notNull(),
    syncedAt: instant('synced_at').notNull(),
  },
  (t) => [
    index('subscriptions_user_id_index').on(t.userId),
    check('subscriptions_id_check', sql`${t.id} like 'sub_%'`),
    check('subscriptions_status_check', sql`${t.status} in (${oneOf(SUBSCRIPTION_STATUSES)})`),
    check('subscriptions_tier_check', sql`${t.tier} in (${oneOf(TIERS)})`),
    check('subscriptions_period_check', sql`${t.currentPeriodEnd} > ${t.currentPeriodStart}`),
    check(
      'subscriptions_past_due_check',
      sql`(${t.status} = 'past_due') = (${t.pastDueSince} is not null)`,
    ),
    check('subscriptions_ticket_check', sql`${t.ticket} > 0`),
  ],
)

/** What an account used in one window of its quota, as Redis had counted it when the cron last wrote. */
export const usageWindows = pgTable(
  'usage_windows',
  {
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    windowStart: instant('window_start').notNull(),
    windowEnd: instant('window_end').notNull(),
    apiCalls: wholeNumber('api_calls').notNull().default(0),
    reactions: wholeNumber('reactions').notNull().default(0),
    /** The quotas that held when it was last used. */
    apiCallsQuota: wholeNumber('api_calls_quota').notNull(),
    reactionsQuota: wholeNumber('reactions_quota').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (t) => [
    primaryKey({ name: 'usage_windows_pkey', columns: [t.userId, t.windowStart] }),
    check('usage_windows_order_check', sql`${t.windowEnd} > ${t.windowStart}`),
    check(
      'usage_windows_counts_check',
      sql`${t.apiCalls} >= 0 and ${t.reactions} >= 0 and ${t.apiCallsQuota} >= 0 and ${t.reactionsQuota} >= 0`,
    ),
  ],
)

/** The ledger: every Stripe event that arrived, signed, and what became of it. */
export const stripeEvents = pgTable(
  'stripe_events',
  {
    /** Stripe's id. */
    id: text('id').primaryKey(),
    type: text('type').notNull(),
    apiVersion: text('api_version'),
    /** When Stripe made it; one-second grain, never used for order. */
    createdAt: instant('created_at').notNull(),
    receivedAt: instant('received_at').notNull(),
    /** When the latest attempt began. */
    attemptedAt: instant('attempted_at').notNull().defaultNow(),
    state: text('state', { enum: EVENT_STATES }).notNull(),
    outcome: text('outcome', { enum: EVENT_OUTCOMES }),
    reason: text('reason'),
    attempts: integer('attempts').notNull().default(1),
    /** The ticket of the latest attempt. */
    ticket: wholeNumber('ticket').notNull(),
    subscriptionId: text('subscription_id'),
    /** Of the object that it carries: when Stripe has forgotten the event, a refund can still be found by its charge. */
    objectId: text('object_id'),
    /** Of the latest attempt that failed; kept when a later one succeeds. */
    lastError: text('last_error'),
    durationMs: integer('duration_ms'),
    finishedAt: instant('finished_at'),
  },
  (t) => [
    index('stripe_events_unfinished_index').on(t.attemptedAt).where(sql`${t.state} <> 'done'`),
    index('stripe_events_received_at_index').on(t.receivedAt),
    check('stripe_events_id_check', sql`${t.id} like 'evt_%'`),
    check('stripe_events_state_check', sql`${t.state} in (${oneOf(EVENT_STATES)})`),
    check('stripe_events_outcome_check', sql`${t.outcome} in (${oneOf(EVENT_OUTCOMES)})`),
    check('stripe_events_done_check', sql`(${t.state} = 'done') = (${t.outcome} is not null)`),
    check('stripe_events_attempts_check', sql`${t.attempts} > 0`),
  ],
)

/** What happened to an account's access, and why. Kept when the account goes. */
export const auditLog = pgTable(
  'audit_log',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    at: instant('at').notNull(),
    /** No foreign key: bookkeeping can tell what happened to an account that is gone. */
    userId: uuid('user_id'),
    action: text('action').notNull(),
    /** The Stripe event that caused it, where one did. Outlives the ledger's own row, which is kept for 90 days. */
    eventId: text('event_id'),
    detail: jsonb('detail').$type<Record<string, unknown>>().notNull(),
  },
  (t) => [
    index('audit_log_user_id_index').on(t.userId, t.at),
    index('audit_log_event_id_index').on(t.eventId),
    check('audit_log_action_check', sql`${t.action} ~ '^[a-z]+(_[a-z]+)*\\.[a-z]+(_[a-z]+)*$'`),
  ],
)

/** What is kept of an account that was deleted: enough to find its invoices at Stripe, and nothing of the person. */
export const formerAccounts = pgTable(
  'former_accounts',
  {
    /** Of the account, as it stands in audit_log and in Stripe's metadata. */
    userId: uuid('user_id').primaryKey(),
    stripeCustomerId: text('stripe_customer_id'),
    /** Keyed digest of the email, in hex, where it had a subscription: the same email gets no second trial. */
    emailDigest: text('email_digest'),
    deletedAt: instant('deleted_at').notNull(),
  },
  (t) => [
    index('former_accounts_email_digest_index').on(t.emailDigest),
    check('former_accounts_stripe_customer_id_check', sql`${t.stripeCustomerId} like 'cus_%'`),
    check('former_accounts_email_digest_check', sql`${t.emailDigest} ~ '^[0-9a-f]{64}$'`),
  ],
)

/** One row: how far Stripe's events have been read, and who reads them. */
export const reconciliation = pgTable(
  'reconciliation',
  {
    id: integer('id').primaryKey(),
    /** Stripe has been asked for all events that it made before. */
    eventsReadUntil: instant('events_read_until'),
    /** The pass under way; another begins when it has ended or its time is over. */
    holder: text('holder'),
    heldUntil: instant('held_until'),
  },
  (t) => [check('reconciliation_id_check', sql`${t.id} = 1`)],
)
