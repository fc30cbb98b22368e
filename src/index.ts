// The Worker: requests and the cron.
import { createApp } from './app.ts'
import { CRON_PASS, reconcile } from './billing/reconcile/reconcile.ts'
import { FLUSH_CRON, RECONCILE_CRON } from './crons.ts'
import { flushKeyUses } from './data/key-use.ts'
import { depsFor } from './deps.ts'
import type { Bindings } from './env.ts'
import { flushUsage } from './usage/flush.ts'

const app = createApp()

export default {
  fetch: app.fetch,

  /** Every five minutes each: counts and uses of keys to Postgres, and the reconciliation with Stripe. A cron that is neither runs both. */
  async scheduled({ cron }, bindings) {
    const deps = depsFor(bindings)
    if (cron !== RECONCILE_CRON) {
      const accounts = await flushUsage(deps)
      const keys = await flushKeyUses(deps)
      deps.log('info', 'cron', { accounts_flushed: accounts, key_uses_flushed: keys })
    }
    if (cron !== FLUSH_CRON) await reconcile(deps, CRON_PASS)
  },
} satisfies ExportedHandler<Bindings>
