// The Worker: requests and the cron.
import { createApp } from './app.ts'
import { purgeLeases } from './data/leases.ts'
import { depsFor } from './deps.ts'
import type { Bindings } from './env.ts'

const app = createApp()

export default {
  fetch: app.fetch,

  /** Hourly: takes away the leases of calls that never settled. */
  async scheduled(_controller, bindings) {
    const deps = depsFor(bindings)
    const purged = await purgeLeases(deps.db, deps.now())
    deps.log('info', 'cron', { purged_leases: purged })
  },
} satisfies ExportedHandler<Bindings>
