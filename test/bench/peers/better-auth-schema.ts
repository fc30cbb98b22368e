// better-auth's tables and its API-key plugin's, as `npx auth generate` writes them and its documentation lists them.
import { boolean, index, integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core'

export const user = pgTable('better_auth_user', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  email: text('email').notNull().unique(),
  emailVerified: boolean('email_verified').notNull(),
  image: text('image'),
  createdAt: timestamp('created_at').notNull(),
  updatedAt: timestamp('updated_at').notNull(),
})

export const session = pgTable('better_auth_session', {
  id: text('id').primaryKey(),
  expiresAt: timestamp('expires_at').notNull(),
  token: text('token').notNull().unique(),
  createdAt: timestamp('created_at').notNull(),
  updatedAt: timestamp('updated_at').notNull(),
  ipAddress: text('ip_address'),
  userAgent: text('user_agent'),
  userId: text('user_id').notNull(),
})

export const account = pgTable('better_auth_account', {
  id: text('id').primaryKey(),
  accountId: text('account_id').notNull(),
  providerId: text('provider_id').notNull(),
  userId: text('user_id').notNull(),
  accessToken: text('access_token'),
  refreshToken: text('refresh_token'),
  idToken: text('id_token'),
  accessTokenExpiresAt: timestamp('access_token_expires_at'),
  refreshTokenExpiresAt: timestamp('refresh_token_expires_at'),
  scope: text('scope'),
  password: text('password'),
  createdAt: timestamp('created_at').notNull(),
  updatedAt: timestamp('updated_at').notNull(),
})

export const verification = pgTable('better_auth_verification', {
  id: text('id').primaryKey(),
  identifier: text('identifier').notNull(),
  value: text('value').notNull(),
  expiresAt: timestamp('expires_at').notNull(),
  createdAt: timestamp('created_at').notNull(),
  updatedAt: timestamp('updated_at').notNull(),
})

export const apikey = pgTable(
  'better_auth_apikey',
  {
    id: text('id').primaryKey(),
    configId: text('config_id').notNull(),
    name: text('name'),
    start: text('start'),
    referenceId: text('reference_id').notNull(),
    prefix: text('prefix'),
    key: text('key').notNull(),
    refillInterval: integer('refill_interval'),
    refillAmount: integer('refill_amount'),
    lastRefillAt: timestamp('last_refill_at'),
    enabled: boolean('enabled'),
    rateLimitEnabled: boolean('rate_limit_enabled'),
    rateLimitTimeWindow: integer('rate_limit_time_window'),
    rateLimitMax: integer('rate_limit_max'),
    requestCount: integer('request_count'),
    remaining: integer('remaining'),
    lastRequest: timestamp('last_request'),
    expiresAt: timestamp('expires_at'),
    createdAt: timestamp('created_at').notNull(),
    updatedAt: timestamp('updated_at').notNull(),
    permissions: text('permissions'),
    metadata: text('metadata'),
  },
  (t) => [
    index('better_auth_apikey_key').on(t.key),
    index('better_auth_apikey_ref').on(t.referenceId),
  ],
)

/** Of these, the tables that a key's verification uses, as SQL, a statement each. */
export const CREATE_TABLES = [
  `create table better_auth_user (
    id text primary key, name text not null, email text not null unique, email_verified boolean not null,
    image text, created_at timestamp not null, updated_at timestamp not null)`,
  `create table better_auth_apikey (
    id text primary key, config_id text not null, name text, start text, reference_id text not null, prefix text,
    key text not null, refill_interval integer, refill_amount integer, last_refill_at timestamp, enabled boolean,
    rate_limit_enabled boolean, rate_limit_time_window integer, rate_limit_max integer, request_count integer,
    remaining integer, last_request timestamp, expires_at timestamp, created_at timestamp not null,
    updated_at timestamp not null, permissions text, metadata text)`,
  'create index better_auth_apikey_key on better_auth_apikey (key)',
  'create index better_auth_apikey_ref on better_auth_apikey (reference_id)',
]
