// `npm run demo`: the whole sale on this machine, step by step, over HTTP. Exits 0 only if every step held.
import { formOf, submit } from './browser.ts'
import { type Stack, startStack } from './stack.ts'
import { type RunningWorker, startWorker } from './worker.ts'

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

  await step('the Worker is up', 200, () => call('GET', '/health'))
  const registered = await step('register', 200, () =>
    call('POST', '/auth/register', { body: { email, password, tier: 'hobby' } }),
  )
  const session = await step('log in', 200, () =>
    call('POST', '/auth/login', { body: { email, password } }),
  )
  expect(session.json.api_key === registered.json.api_key, 'login shows the same API key again')
  const { access_token: token, api_key: key } = session.json
  console.log(`        ${key.slice(0, 16)}…`)

  const order = { dataset_type: 'reaction_trajectories', params: { runs: 3, seed: 42 } }
  const buyData = () => call('POST', '/datasets/generate', { key, body: order })
  const refused = await step('call the paid API before paying', 402, buyData)
  expect(refused.json.code === 'subscription_required', 'the refusal says subscription_required')

  const checkout = await step('start Checkout', 200, () =>
    call('POST', '/billing/checkout/session', {
      token,
      body: { tier: 'hobby', success_url: `${app}/api/v1/health`, cancel_url: `${app}/` },
    }),
  )
  const page: string = checkout.json.url
  const form = await step('open the Checkout page', 200, () => get(page))
  const payment = formOf(page, form.text, 'Subscribe')
  payment.fields.number = CARD
  const paid = await step(`pay with ${CARD}`, 303, async () => reply(await submit(payment)))
  expect(paid.headers.get('Location')?.startsWith(app) ?? false, 'Checkout leads back to the app')

  await step('Stripe has delivered its webhooks', 200, () => get(`${stripe}/_sim/webhooks/idle`))
  const subscription = () => call('GET', '/billing/subscription', { token })
  const active = await step('the subscription', 200, subscription)
  expect(active.json.status === 'active' && active.json.access === true, 'it is active')

  const data = await step('call the paid API', 200, buyData)
  const lines = data.text.trim().split('\n')
  const end = JSON.parse(lines.at(-1) ?? '{}')
  expect(end.end === true && end.reactions > 0, 'the data set came whole')
  console.log(`        ${end.reactions} reactions; the first: ${lines[0]?.slice(0, 90)}…`)
  const usage = await step('usage', 200, () => call('GET', '/billing/usage', { key }))
  const { api_calls, reactions } = usage.json.current_month
  expect(api_calls === 1 && reactions === end.reactions, 'it counts that call and no other')

  const portal = await step('open the portal', 200, () =>
    call('POST', '/billing/portal', { token, body: { return_url: `${app}/` } }),
  )
  const portalPage = await step('read the portal page', 200, () => get(portal.json.url))
  const cancellation = formOf(portal.json.url, portalPage.text, 'Yes, cancel my plan')
  await step('cancel at the end of the period', 303, async () => reply(await submit(cancellation)))
  await get(`${stripe}/_sim/webhooks/idle`)
  const ending = await step('the subscription', 200, subscription)
  expect(ending.json.access === true && ending.json.cancel_at !== null, 'access lasts to the end')

  const customer = await customerOf(stripe, email)
  await step('the period ends', 200, () => advance(stripe, customer))
  await get(`${stripe}/_sim/webhooks/idle`)
  const over = await step('the subscription', 200, subscription)
  expect(over.json.status === 'canceled', 'it is canceled')
  const turnedAway = await step('call the paid API again', 402, buyData)
  expect(turnedAway.json.code === 'subscription_required', 'the door is closed')
}

/** Runs one step and prints it with its status and time. @throws when the status is another */
async function step(name: string, status: number, run: () => Promise<Reply>): Promise<Reply> {
  const started = performance.now()
  const answer = await run()
  const took = (performance.now() - started).toFixed(0).padStart(5)
  const held = answer.status === status
  console.log(`${held ? '  ok  ' : 'FAILED'}  ${answer.status}  ${took} ms  ${name}`)
  if (!held)
    throw new Error(
      `${name}: expected ${status}, got ${answer.status}: ${answer.text.slice(0, 500)}`,
    )
  return answer
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`This does not hold: ${what}`)
}

interface Request {
  body?: object
  token?: string
  key?: string
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
  try {
    console.log('Starting the stack (Postgres, Redis, Stripe) and the Worker on this machine …')
    stack = await startStack({
      postgresUrl: process.env.LOCAL_POSTGRES_URL,
      redisUrl: process.env.LOCAL_REDIS_URL,
    })
    worker = await startWorker({
      port: Number(process.env.PORT ?? 0),
      vars: stack.vars,
      verbose: false,
    })
    await stack.deliverTo(`${worker.url}/api/v1/billing/webhooks/stripe`)
    console.log(`Up after ${((performance.now() - started) / 1000).toFixed(1)} s.\n`)
    await sale(worker.url, stack.info.stripeApiBase)
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
