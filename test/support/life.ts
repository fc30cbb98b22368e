// A customer in an app of their own whose clock goes with Stripe's, and Stripe's events as they come at their worst.
import { eq } from 'drizzle-orm'
import { expect } from 'vitest'
import { EVENT_TYPES } from '../../src/billing/event-types.ts'
import { auditLog } from '../../src/data/schema.ts'
import { type Answer, type Json, type Person, signUp, type TestApp, testApp } from './app.ts'
import { control, deliver, type EventJson, eventsOf, pay } from './stripe.ts'

/** What a customer notices: their subscription, and what the paid call answers them. */
export interface Sight {
  status: string
  tier: string
  access: boolean
  /** `sold`, or the refusal's status and code. */
  paid: string
  grace_until: string | null
  cancel_at: string | null
  cancel_at_period_end: boolean
  trial_end: string | null
  current_period_start: string | null
  current_period_end: string | null
  usage: Json
}

export interface Customer extends Person {
  app: TestApp
  /** Stripe's id. */
  customer: string
  /** The one bought in Checkout; empty where nothing was. */
  subscription: string
  /** Moves Stripe's clock of this customer and the app's; nothing is delivered. */
  pass(to: 'renewal' | 'period_end' | number | { days: number }): Promise<void>
  /**
   * Delivers what Stripe has to tell since, the newest first and each event twice, and gives what was done: the
   * reasons of all answers that are not "as before".
   */
  hear(): Promise<string[]>
  look(): Promise<Sight>
  /** Changes in the audit log since sign-up, as `active hobby > canceled hobby`; each must name an event of theirs. */
  audit(): Promise<string[]>
  /** The newest event of that type. */
  event(type: string): Promise<EventJson>
}

const urls = { success_url: 'https://app.example.com/ok', cancel_url: 'https://app.example.com/no' }
const USED: ReadonlySet<string> = new Set(EVENT_TYPES)

/** Somebody who has a customer at Stripe and has bought nothing. */
export async function visitor(vars: Record<string, string> = {}): Promise<Customer> {
  const app = testApp(vars)
  const person = await signUp(app)
  const session = await opened(app, person, 'hobby')
  return follow(app, person, session.customer, '')
}

/** Somebody who bought `tier` in Checkout, and of whom the app has heard. */
export async function buyer(
  tier = 'hobby',
  { card = '4242424242424242', vars = {} }: { card?: string; vars?: Record<string, string> } = {},
): Promise<Customer> {
  const app = testApp(vars)
  const person = await signUp(app)
  const session = await opened(app, person, tier)
  await pay(session.id, card)
  const { subscription } = await app.deps.stripe.checkout.sessions.retrieve(session.id)
  const customer = follow(app, person, session.customer, String(subscription))
  await customer.hear()
  return customer
}

/** Buys again, as after a cancellation; gives the new subscription's id. Nothing is delivered. */
export async function buyAgain({ app, ...person }: Customer, tier = 'hobby'): Promise<string> {
  const session = await opened(app, person, tier)
  await pay(session.id)
  return String((await app.deps.stripe.checkout.sessions.retrieve(session.id)).subscription)
}

async function opened(app: TestApp, person: Person, tier: string) {
  // By key: a token does not live as long as these clocks go on.
  const { status, json, text } = await app.call('POST', '/billing/checkout/session', {
    key: person.key,
    body: { tier, ...urls },
  })
  if (status !== 200) throw new Error(`checkout answered ${status}: ${text}`)
  const { id, customer } = await app.deps.stripe.checkout.sessions.retrieve(json.session_id)
  return { id, customer: String(customer) }
}

function follow(app: TestApp, person: Person, customer: string, subscription: string): Customer {
  const heard = new Set<string>()
  return {
    ...person,
    app,
    customer,
    subscription,
    async pass(to) {
      const { now } = await control<{ now: number }>('POST', `/customers/${customer}/advance`, {
        to,
      })
      app.setNow(new Date(now * 1000))
    },
    async hear() {
      const fresh = (await eventsOf(customer)).filter(
        ({ id, type }) => USED.has(type) && !heard.has(id),
      )
      const told: string[] = []
      for (const event of fresh.reverse()) {
        heard.add(event.id)
        const { status, json, text } = await deliver(app, event)
        if (status !== 200) throw new Error(`${event.type} was answered ${status}: ${text}`)
        if (!json.reason.includes(': as before, ')) told.push(`${json.outcome}: ${json.reason}`)
        expect((await deliver(app, event)).json.outcome).toBe('duplicate')
      }
      return told
    },
    async look() {
      const { status, json: problem } = await smallCall(app, person)
      const { json } = await app.call('GET', '/billing/subscription', { key: person.key })
      return { ...json, paid: status === 200 ? 'sold' : `${status} ${problem.code}` }
    },
    async audit() {
      const entries = await app.deps.db
        .select()
        .from(auditLog)
        .where(eq(auditLog.userId, person.id))
        .orderBy(auditLog.id)
      const theirs = new Set((await eventsOf(customer)).map(({ id }) => id))
      return entries
        .filter(({ action }) => action === 'subscription.changed')
        .map(({ eventId, detail }) => {
          if (!eventId || !theirs.has(eventId)) throw new Error(`caused by no event: ${eventId}`)
          expect(detail.reason).toContain(`${detail.subscription}: `)
          return `${standing(detail.from)} > ${standing(detail.to)}`
        })
    },
    async event(type) {
      const found = (await eventsOf(customer)).findLast((event) => event.type === type)
      if (!found) throw new Error(`Stripe made no ${type}`)
      return found
    },
  }
}

/** Charges of a customer that went through, the newest first. */
export async function chargesOf({ app, customer }: Customer) {
  const { data } = await app.deps.stripe.charges.list({ customer, limit: 100 })
  return data.filter(({ paid }) => paid)
}

/** The paid call at its smallest: one API call, one reaction. */
export function smallCall({ call }: TestApp, { key }: { key: string }): Promise<Answer> {
  const params = { runs: 1, max_reactions: 1 }
  const body = { dataset_type: 'reaction_trajectories', params }
  return call('POST', '/datasets/generate', { key, body })
}

function standing(of: unknown): string {
  const { status, tier } = (of ?? { status: 'none' }) as { status: string; tier?: string }
  return tier ? `${status} ${tier}` : status
}

/** The reason of the answer that tells of a change. */
export function changed(subscription: string, from: string, to: string): string {
  return `applied: ${subscription}: was ${from}, now ${to}`
}
