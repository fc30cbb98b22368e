// `npm run demo`: the whole sale on this machine, step by step, over HTTP. Exits 0 only if every step held.
import { formOf, submit } from './browser.ts'
import { aborted, appPort, endRequested } from './process.ts'
import { type Stack, startStack } from './stack.ts'
import { type RunningWorker, startWorker } from './worker.ts'
import { NOTHING_ELSE } from './worker-vars.ts'

const CARD = '4242 4242 4242 4242'
const EVENT_WAIT_MS = 30_000

interface Reply {
  status: number
  headers: Headers
  text: string
  json: ReturnType<typeof JSON.parse>
}

/** The sale, against a running Worker and its stack. @throws at the first step that does not hold */
async function sale(app: string, stripe: string): Promise<void> {
  const email = `ada-${Date.now()}@example.com`
  const password = 'correct horse battery staple'
  const call = caller(`${app}/api/v1`)
  const post = (path: string, body: object, who: Credentials = {}) =>
    call('POST', path, { body, ...who })

  await step('the Worker is up', 200, () => call('GET', '/health'))
  const { json: registered } = await step('register', 200, () =>
    post('/auth/register', { email, password, tier: 'hobby' }),
  )
  const { json: session } = await step(
    'log in: the same API key again, computed',
    200,
    () => post('/auth/login', { email, password }),
    ({ json }) => json.api_key === registered.api_key,
  )
  const { access_token: token, api_key: key } = session

  const order = { dataset_type: 'reaction_trajectories', params: { runs: 3, seed: 42 } }
  const buyData = () => post('/datasets/generate', order, { key })
  const closed = ({ json }: Reply) => json.code === 'subscription_required'
  await step('call the paid API before paying: subscription_required', 402, buyData, closed)

  const wayBack = { success_url: `${app}/api/v1/health`, cancel_url: `${app}/` }
  const checkout = await step('start Checkout', 200, () =>
    post('/billing/checkout/session', { tier: 'hobby', ...wayBack }, { token }),
  )
  const page: string = checkout.json.url
  const form = await step('open the Checkout page', 200, () => get(page))
  const payment = formOf(page, form.text, 'Subscribe')
  payment.fields.number = CARD
  await step(
    `pay with ${CARD}: back to the app`,
    303,
    async () => reply(await submit(payment)),
    ({ headers }) => headers.get('Location') === wayBack.success_url,
  )

  const delivered = () => get(`${stripe}/_sim/webhooks/idle`)
  await step('the webhooks have been delivered', 200, delivered, isIdle)
  const subscription = () => call('GET', '/billing/subscription', { token })
  await step(
    'the subscription is active',
    200,
    subscription,
    ({ json }) => json.status === 'active' && json.access === true,
  )

  const data = await step('call the paid API: the data set, whole', 200, buyData, isWhole)
  const lines = data.text.trim().split('\n')
  console.log(`              ${lines[0]?.slice(0, 100)}…`)
  console.log(`              ${lines.at(-1)}`)
  await step(
    'usage: that call and its reactions, no other',
    200,
    () => call('GET', '/billing/usage', { key }),
    ({ json }) =>
      json.current_month.api_calls === 1 && json.current_month.reactions === endOf(data).reactions,
  )

  const portal = await step('open the portal', 200, () =>
    post('/billing/portal', { return_url: `${app}/` }, { token }),
  )
  const portalPage = await step('read the portal page', 200, () => get(portal.json.url))
  const cancellation = formOf(portal.json.url, portalPage.text, 'Yes, cancel my plan')
  await step('cancel there, at the end of the period', 303, async () =>
    reply(await submit(cancellation)),
  )
  await step('the webhooks have been delivered', 200, delivered, isIdle)
  await step(
    'the subscription: scheduled to end, access until then',
    200,
    subscription,
    ({ json }) => json.access === true && json.cancel_at !== null,
  )

  const customer = await customerOf(stripe, email)
  await step('the period ends', 200, () => advance(stripe, customer))
  await step('the webhooks have been delivered', 200, delivered, isIdle)
  await step('the subscription is canceled', 200, subscription, ({ json }) => {
    return json.status === 'canceled' && json.access === false
  })
  await step('call the paid API again: subscription_required', 402, buyData, closed)
}

const isIdle = ({ json }: Reply) => json.state?.idle ?? json.idle
const endOf = ({ text }: Reply) => JSON.parse(text.trim().split('\n').at(-1) ?? '{}')
const isWhole = (answer: Reply) => endOf(answer).end === true && endOf(answer).reactions > 0

/** Runs one step and prints it with its status and time. @throws when it does not hold */
async function step(
  name: string,
  status: number,
  run: () => Promise<Reply>,
  holds: (answer: Reply) => boolean = () => true,
): Promise<Reply> {
  const started = performance.now()
  const answer = await run()
  const took = (performance.now() - started).toFixed(0).padStart(5)
  const held = answer.status === status && holds(answer)
  console.log(`${held ? '  ok  ' : 'FAILED'}  ${answer.status}  ${took} ms  ${name}`)
  if (held) return answer
  const got = `${answer.status}: ${answer.text.slice(0, 500)}`
  throw new Error(`"${name}" does not hold. Expected ${status}, got ${got}`)
}

interface Credentials {
  token?: string
  key?: string
}

interface Request extends Credentials {
  body?: object
}

function caller(base: string) {
  return async (method: string, path: string, { body, token, key }: Request = {}): Promise<Reply> =>
    reply(
      await fetch(base + path, {
        method,
        headers: {
          ...(body && { 'Content-Type': 'application/json' }),
          ...(token && { Authorization: `Bearer ${token}` }),
          ...(key && { 'X-API-Key': key }),
        },
        ...(body && { body: JSON.stringify(body) }),
      }),
    )
}

async function get(url: string): Promise<Reply> {
  return reply(await fetch(url, { signal: AbortSignal.timeout(EVENT_WAIT_MS) }))
}

async function reply(response: Response): Promise<Reply> {
  const { status, headers } = response
  const text = await response.text()
  const isJson =
    /json/.test(headers.get('Content-Type') ?? '') &&
    !/ndjson/.test(headers.get('Content-Type') ?? '')
  return { status, headers, text, json: isJson ? JSON.parse(text) : undefined }
}

/** The Stripe customer of an account: the newest created event says whose it is. */
async function customerOf(stripe: string, email: string): Promise<string> {
  const { json } = await get(`${stripe}/_sim/events?type=customer.created`)
  const event = json.events.find(
    ({ data }: { data: { object: { email: string } } }) => data.object.email === email,
  )
  return event.data.object.id
}

async function advance(stripe: string, customer: string): Promise<Reply> {
  const body = JSON.stringify({ to: 'period_end' })
  const headers = { 'Content-Type': 'application/json' }
  return reply(
    await fetch(`${stripe}/_sim/customers/${customer}/advance`, { method: 'POST', headers, body }),
  )
}

async function main(): Promise<void> {
  const started = performance.now()
  let stack: Stack | undefined
  let worker: RunningWorker | undefined
  const signal = endRequested()
  try {
    const port = appPort(0)
    console.log('Starting the stack (Postgres, Redis, Stripe) and the Worker on this machine …')
    stack = await startStack({
      postgresUrl: process.env.LOCAL_POSTGRES_URL,
      redisUrl: process.env.LOCAL_REDIS_URL,
    })
    const vars = { ...NOTHING_ELSE, ...stack.vars }
    worker = await startWorker({ port, vars, verbose: false, signal })
    await stack.deliverTo(`${worker.url}/api/v1/billing/webhooks/stripe`)
    console.log(`Up after ${((performance.now() - started) / 1000).toFixed(1)} s.\n`)
    await Promise.race([sale(worker.url, stack.info.stripeApiBase), aborted(signal)])
    signal.throwIfAborted()
    console.log(
      `\nThe whole sale held. ${((performance.now() - started) / 1000).toFixed(1)} s in all.`,
    )
    console.log('Next: npm run dev, to click through it yourself.')
  } catch (error) {
    console.error(`\n${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  } finally {
    await worker?.close()
    await stack?.close()
  }
}

await main()
