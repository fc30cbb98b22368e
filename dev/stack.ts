// What production rents, on this machine, in one Node process: Postgres behind Neon's protocol, Redis behind
// Upstash's, and Stripe. `npm run stack` serves it alone and prints one JSON line.
import { join } from 'node:path'
import { connectStripe } from '../src/deps.ts'
import type { Tier } from '../src/plans.ts'
import { bareEdge, type Edge, testEdge } from './edge.ts'
import { lockFolder } from './folder-lock.ts'
import { Tally } from './meter.ts'
import { migrate } from './migrate.ts'
import { neonApp } from './neon.ts'
import { startPostgres } from './postgres.ts'
import { aborted, endRequested, stackPort } from './process.ts'
import { startRedis } from './redis.ts'
import { loadSecrets, type Secrets } from './secrets.ts'
import { type Served, serve } from './serve.ts'
import { announce } from './stack-file.ts'
import type { StackInfo } from './stack-info.ts'
import { simulatorApp } from './stripe/app.ts'
import { createSimulator } from './stripe/create-simulator.ts'
import { createDeliveries, type Deliveries } from './stripe/deliveries.ts'
import { planSetUp, runSteps, stepsOf } from './stripe-setup/plan.ts'
import { upstashApp } from './upstash.ts'
import { workerVars } from './worker-vars.ts'

export interface StackOptions {
  /** Stripe's port; the next three are Neon's, Upstash's and the embedded Postgres's. 0: free ones. */
  port?: number
  /** Where data and secrets are kept; in memory when absent. */
  folder?: string | undefined
  /** Servers to use instead of the embedded engines. */
  postgresUrl?: string | undefined
  redisUrl?: string | undefined
  /** Whether `/_faults`, `/_latency` and `/_meter` are served, which nothing guards: for tests and benches. */
  faults?: boolean
}

export interface Stack {
  info: StackInfo
  /** The Worker's variables that point it at this stack. */
  vars: Record<string, string>
  /** Tells the simulator where the Worker hears webhooks. */
  deliverTo(webhookUrl: string): Promise<void>
  close(): Promise<void>
}

const DATABASE = { user: 'tollgate', database: 'tollgate' }
const TICK_MS = 1000

/** @throws PortTakenError, FolderLockedError, and clear errors for a server that does not answer */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { port = 0, folder } = options
  const portAt = (offset: number) => (port === 0 ? 0 : port + offset)
  const edge: Edge = options.faults ? testEdge : bareEdge
  const closers: (() => Promise<void>)[] = []
  const close = async () => {
    for (const end of closers.splice(0).reverse()) await end()
  }
  try {
    if (folder) {
      const unlock = lockFolder(folder, 'the stack')
      closers.push(async () => unlock())
    }
    const secrets = loadSecrets(folder)
    // Postgres comes last: it takes longest, and a port that is taken should be told at once.
    const stripe = await startStripe(portAt(0), folder, secrets, edge)
    closers.push(stripe.close)
    const redis = await startRedis({
      url: options.redisUrl,
      file: folder && join(folder, 'redis.json'),
    })
    closers.push(redis.close)
    const commands = new Tally()
    const upstash = upstashApp({ redis, token: secrets.redisToken, onCommands: commands.add })
    const upstashServed = await serve(edge(upstash, commands), portAt(2), 'Upstash')
    closers.push(upstashServed.close)
    const postgres = await startPostgres({
      ...(options.postgresUrl ? { url: options.postgresUrl } : { port: portAt(3) }),
      ...(folder && { dataDir: join(folder, 'postgres') }),
    })
    closers.push(postgres.close)
    const statements = new Tally()
    const neon = neonApp({
      ...DATABASE,
      password: secrets.database,
      postgresUrl: postgres.url,
      maxConnections: postgres.maxConnections,
      onCommands: statements.add,
    })
    closers.push(neon.close)
    const neonServed = await serve(edge(neon.app, statements), portAt(1), 'Neon')
    closers.push(neonServed.close)
    const databaseUrl = `postgres://${DATABASE.user}:${secrets.database}@127.0.0.1:${neonServed.port}/${DATABASE.database}`
    await migrate(databaseUrl)

    const info: StackInfo = {
      databaseUrl,
      postgresUrl: postgres.url,
      redisUrl: upstashServed.url,
      redisToken: secrets.redisToken,
      stripeApiBase: stripe.served.url,
      stripeDashboard: `${stripe.served.url}/dashboard`,
      stripeSecretKey: secrets.stripeSecretKey,
      stripePublishableKey: secrets.stripePublishableKey,
      webhookSecret: secrets.webhook,
      jwtSecret: secrets.jwt,
      ...(await ensureCatalog(stripe.served.url, secrets.stripeSecretKey)),
    }
    const deliverTo = async (webhookUrl: string) => {
      await putEndpoint(info.stripeApiBase, webhookUrl)
      // What waited for a retry when the last stack ended.
      stripe.deliverOutstanding()
    }
    if (folder) closers.push(announce(folder, info))
    return { info, vars: workerVars(info), deliverTo, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function startStripe(port: number, folder: string | undefined, secrets: Secrets, edge: Edge) {
  let served: Served | undefined
  const simulator = createSimulator({
    secretKey: secrets.stripeSecretKey,
    publishableKey: secrets.stripePublishableKey,
    baseUrl: () => served?.url ?? '',
    ...(folder && { stateFile: join(folder, 'stripe.json') }),
  })
  const deliveries: Deliveries = createDeliveries({ source: simulator })
  const endpoint = { secretKey: secrets.stripeSecretKey, webhookSecret: secrets.webhook }
  const stripe = await serve(edge(simulatorApp(simulator, deliveries, endpoint)), port, 'Stripe')
  served = stripe
  const clock = setInterval(() => simulator.tick(), TICK_MS)
  const close = async () => {
    clearInterval(clock)
    await stripe.close()
    await deliveries.close()
    await simulator.close()
  }
  return { served: stripe, close, deliverOutstanding: () => deliveries.deliverOutstanding() }
}

/** The plans and the portal, as `stripe:setup` makes them: it finds nothing to change in a stack that runs. */
async function ensureCatalog(
  apiBase: string,
  secretKey: string,
): Promise<Pick<StackInfo, 'prices' | 'formerPrices' | 'portalConfiguration'>> {
  const plan = await planSetUp(connectStripe({ secretKey, apiBase: new URL(apiBase) }))
  await runSteps(stepsOf(plan, { changes: true }))
  const { offers, portal } = plan
  if (!portal.id) throw new Error('The portal has no configuration')
  return {
    prices: byTier(offers.map(({ tier, priceId = '' }) => [tier, priceId])),
    formerPrices: byTier(offers.map(({ tier, formerPriceIds }) => [tier, formerPriceIds])),
    portalConfiguration: portal.id,
  }
}

function byTier<T>(entries: [Tier, T][]): Record<Tier, T> {
  return Object.fromEntries(entries) as Record<Tier, T>
}

async function putEndpoint(stripeUrl: string, url: string): Promise<void> {
  const answer = await fetch(`${stripeUrl}/_sim/webhooks/endpoint`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ url }),
  })
  if (!answer.ok) throw new Error(`The simulator refused the webhook URL: ${await answer.text()}`)
}

/** Serves until it is told to end; the JSON line is all that it prints. */
async function main(): Promise<void> {
  const signal = endRequested()
  try {
    // For tests: nothing is kept, ports are free ones, and the stack ends with whoever started it.
    const inMemory = process.argv.includes('--memory')
    const stack = await startStack({
      ...(inMemory ? { port: 0, faults: true } : { port: stackPort(), folder: '.stack' }),
      postgresUrl: process.env.LOCAL_POSTGRES_URL,
      redisUrl: process.env.LOCAL_REDIS_URL,
    })
    if (!signal.aborted) console.log(JSON.stringify(stack.info))
    await (inMemory ? Promise.race([aborted(signal), starterGone()]) : aborted(signal))
    await stack.close()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}

function starterGone(): Promise<void> {
  return new Promise((resolve) => {
    process.stdin.once('close', resolve).resume()
  })
}

if (import.meta.main) await main()
