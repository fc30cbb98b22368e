// The Worker: requests and the cron.
import { createApp } from './app.ts'
import { CRON_PASS, reconcile } from './billing/reconcile/reconcile.ts'
import { FLUSH_CRON, RECONCILE_CRON } from './crons.ts'
import { flushKeyUses } from './data/key-use.ts'
import { depsFor } from './deps.ts'
import type { Bindings } from './env.ts'
import { errorFields } from './log.ts'
import { flushUsage } from './usage/flush.ts'

const app = createApp()

export default {
  fetch: app.fetch,

  /** Every five minutes each: counts and uses of keys to Postgres, and the reconciliation with Stripe. A cron that is neither runs both. */
  async scheduled({ cron }, bindings) {
    const deps = depsFor(bindings)
    const failures: unknown[] = []
    // What fails keeps nothing else from being done, and fails the cron in the end.
    const done = <T>(work: Promise<T>) =>
      work.catch((error: unknown) => {
        failures.push(error)
        deps.log('error', 'cron_failed', errorFields(error))
        return undefined
      })
    if (cron !== RECONCILE_CRON) {
      const accounts = await done(flushUsage(deps))
      const keys = await done(flushKeyUses(deps))
      deps.log('info', 'cron', { accounts_flushed: accounts, key_uses_flushed: keys })
    }
    if (cron !== FLUSH_CRON) await done(reconcile(deps, CRON_PASS))
    if (failures.length > 0) throw failures[0]
  },
} satisfies ExportedHandler<Bindings>
