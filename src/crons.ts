// The crons, as wrangler.toml has them.

/** What Redis counted, and when keys were used, goes to Postgres. */
export const FLUSH_CRON = '*/5 * * * *'
/** What Stripe has not told is found out. */
export const RECONCILE_CRON = '2-57/5 * * * *'
