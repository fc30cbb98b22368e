// What production rents, on this machine, in one Node process: Postgres behind Neon's protocol, Redis behind
// Upstash's, and Stripe. `npm run stack` serves it alone and prints one JSON line.
import { join } from 'node:path'
import Stripe from 'stripe'
import { PLANS, TIERS, type Tier } from '../src/plans.ts'
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
      prices: await ensureCatalog(stripe.served.url, secrets.stripeSecretKey),
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

/** The three plans as products and prices, found again by their lookup keys; the portal offers them. */
async function ensureCatalog(apiBase: string, secretKey: string): Promise<Record<Tier, string>> {
  const { hostname, port } = new URL(apiBase)
  const stripe = new Stripe(secretKey, { host: hostname, port, protocol: 'http', telemetry: false })
  const entries: [Tier, Stripe.Price][] = []
  for (const tier of TIERS) {
    const lookupKey = `tollgate_${tier}`
    const { data } = await stripe.prices.list({ lookup_keys: [lookupKey], active: true })
    entries.push([tier, data[0] ?? (await createPrice(stripe, tier, lookupKey))])
  }
  await offerInPortal(
    stripe,
    entries.map(([, price]) => price),
  )
  return Object.fromEntries(entries.map(([tier, { id }]) => [tier, id])) as Record<Tier, string>
}

/** What a seller does once in Stripe's dashboard: the portal's default configuration names the plans. */
async function offerInPortal(stripe: Stripe, prices: Stripe.Price[]): Promise<void> {
  const { configurations } = stripe.billingPortal
  const { data } = await configurations.list({ is_default: true })
  const [standard] = data
  if (!standard) throw new Error('The simulator has no default portal configuration')
  await configurations.update(standard.id, {
    features: {
      subscription_update: {
        enabled: true,
        default_allowed_updates: ['price'],
        proration_behavior: 'always_invoice',
        products: prices.map(({ id, product }) => ({
          product: typeof product === 'string' ? product : product.id,
          prices: [id],
        })),
      },
    },
  })
}

async function createPrice(stripe: Stripe, tier: Tier, lookupKey: string): Promise<Stripe.Price> {
  const { name, listPriceCents } = PLANS[tier]
  const product = await stripe.products.create({ name: `Tollgate ${name}`, metadata: { tier } })
  return stripe.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: listPriceCents,
    recurring: { interval: 'month' },
    lookup_key: lookupKey,
    metadata: { tier },
  })
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
