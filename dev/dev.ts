// `npm run dev`: the stack and the Worker with reload. Data stays in .stack/; ending it leaves no process behind.
import { existsSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { FLUSH_CRON, RECONCILE_CRON } from '../src/crons.ts'
import { aborted, appPort, endRequested, stackPort } from './process.ts'
import { type Stack, startStack } from './stack.ts'
import { type RunningWorker, startWorker } from './worker.ts'
import { varsBeside } from './worker-vars.ts'

const APP_PORT = 8787
/** Of either cron. */
const CRON_INTERVAL_MS = 5 * 60_000
/** The end of `npm run dev` waits for the first; a pass of the other may take a minute. */
const FLUSH_MS = 5_000
const RECONCILE_MS = 90_000

async function main(): Promise<void> {
  let stack: Stack | undefined
  let worker: RunningWorker | undefined
  let endCron: (() => Promise<void>) | undefined
  const signal = endRequested()
  try {
    const firstPort = stackPort()
    const port = appPort(APP_PORT, firstPort)
    stack = await startStack({
      port: firstPort,
      folder: '.stack',
      postgresUrl: process.env.LOCAL_POSTGRES_URL,
      redisUrl: process.env.LOCAL_REDIS_URL,
    })
    // wrangler reads .dev.vars itself; what stands there wins, one by one.
    const own = existsSync('.dev.vars') ? parseEnv(readFileSync('.dev.vars', 'utf8')) : {}
    const vars = varsBeside(own, stack.vars)
    worker = await startWorker({ port, vars, verbose: true, signal })
    await stack.deliverTo(`${worker.url}/api/v1/billing/webhooks/stripe`)
    endCron = startCron(worker, vars)
    tell(worker.url, stack)
    await Promise.race([aborted(signal), worker.ended])
  } catch (error) {
    if (error !== signal.reason) {
      console.error(error instanceof Error ? error.message : error)
      process.exitCode = 1
    }
  } finally {
    await endCron?.()
    await worker?.close()
    await stack?.close()
  }
}

/**
 * What Redis counts goes to Postgres now and then, and at the end: the function that is given back. What Stripe has
 * not told is found out now and then. Only between stores that are both the stack's: an account of another Redis would
 * be taken for gone.
 */
function startCron(worker: RunningWorker, vars: Record<string, string>): () => Promise<void> {
  const stores = ['DATABASE_URL', 'UPSTASH_REDIS_REST_URL']
  if (!stores.every((name) => name in vars)) return async () => {}
  const run = (cron: string, limitMs: number) =>
    worker
      .runCron(cron, limitMs)
      .catch((error: unknown) => console.error('The cron failed:', error))
  const flush = () => run(FLUSH_CRON, FLUSH_MS)
  const timers = [
    setInterval(flush, CRON_INTERVAL_MS),
    setInterval(() => run(RECONCILE_CRON, RECONCILE_MS), CRON_INTERVAL_MS),
  ]
  return async () => {
    for (const timer of timers) clearInterval(timer)
    await Promise.race([flush(), worker.ended])
  }
}

function tell(app: string, { info }: Stack): void {
  console.log(`
  App                ${app}/api/v1/health
  Stripe simulator   ${info.stripeDashboard}
  Postgres           ${info.postgresUrl}
  Redis (REST)       ${info.redisUrl}
  Data               .stack/ (kept; delete it to begin anew)

  Try: curl -s ${app}/api/v1/billing/plans
  End with Ctrl-C.
`)
}

await main()
