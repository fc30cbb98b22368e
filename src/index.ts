// The Worker: requests and the cron.
import { createApp } from './app.ts'
import { depsFor } from './deps.ts'
import type { Bindings } from './env.ts'
import { flushUsage } from './usage/flush.ts'

const app = createApp()

export default {
  fetch: app.fetch,

  /** Every five minutes: the counts of accounts that changed go to Postgres. */
  async scheduled(_controller, bindings) {
    const deps = depsFor(bindings)
    const accounts = await flushUsage(deps)
    deps.log('info', 'cron', { accounts_flushed: accounts })
  },
} satisfies ExportedHandler<Bindings>
