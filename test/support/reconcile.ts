// A pass of the reconciliation in a world of which other tests have left accounts and events behind.
import { eq, inArray, ne } from 'drizzle-orm'
import type { Report } from '../../src/billing/reconcile/pass.ts'
import { CRON_PASS, reconcile } from '../../src/billing/reconcile/reconcile.ts'
import { reconciliation, stripeEvents, subscriptions, users } from '../../src/data/schema.ts'
import { type Person, signUp, type TestApp } from './app.ts'
import { type EventJson, eventsOf, type Subscriber, subscribe } from './stripe.ts'

export const DAY_MS = 86_400_000

/** What was left is none of the next pass's: accounts count as compared, events as read. */
export async function skipToNow({ deps: { db } }: TestApp): Promise<void> {
  const now = new Date()
  // A pass looks ten minutes further back.
  const eventsReadUntil = new Date(now.getTime() + 10 * 60_000)
  const free = { eventsReadUntil, holder: null, heldUntil: null }
  await db.batch([
    db.update(users).set({ reconciledAt: now }),
    db.update(stripeEvents).set({ attemptedAt: now }).where(ne(stripeEvents.state, 'done')),
    db
      .insert(reconciliation)
      .values({ id: 1, ...free })
      .onConflictDoUpdate({ target: reconciliation.id, set: free }),
  ])
}

/** Stripe tells time in seconds: what others have left in this one would be read again, were it not known. */
export async function knowEvents({ deps: { db, stripe } }: TestApp): Promise<void> {
  const now = new Date()
  const gte = Math.floor(now.getTime() / 1000) - 1
  const { data } = await stripe.events.list({ created: { gte }, limit: 100 })
  const read = {
    receivedAt: now,
    attemptedAt: now,
    attempts: 1,
    state: 'done',
    outcome: 'ignored',
    ticket: 1,
  } as const
  for (const { id, type, created } of data) {
    const event = { id, type, createdAt: new Date(created * 1000), ...read }
    await db.insert(stripeEvents).values(event).onConflictDoNothing()
  }
}

/** The accounts were last compared more than a day ago. */
export async function due({ deps: { db } }: TestApp, ...people: Person[]): Promise<void> {
  const ids = people.map(({ id }) => id)
  const reconciledAt = new Date(Date.now() - DAY_MS - 1000)
  await db.update(users).set({ reconciledAt }).where(inArray(users.id, ids))
}

/** The cron's pass. @throws Error when another one is under way */
export async function pass(
  { deps }: TestApp,
  options: Partial<typeof CRON_PASS> = {},
): Promise<Report> {
  const report = await reconcile(deps, { ...CRON_PASS, ...options })
  if (!report) throw new Error('another pass is under way')
  return report
}

/** Somebody who has paid, and of whom no delivery has told. */
export async function unheard(app: TestApp): Promise<Subscriber> {
  return subscribe(app, await signUp(app), 'hobby', { deliverEvents: false })
}

export async function view({ call }: TestApp, { key }: Person) {
  return (await call('GET', '/billing/subscription', { key })).json
}

export async function rowOf({ deps: { db } }: TestApp, { subscription }: Subscriber) {
  return (await db.select().from(subscriptions).where(eq(subscriptions.id, subscription)))[0]
}

/** The event of a subscription's creation. */
export async function createdEvent({ customer }: Subscriber): Promise<EventJson> {
  const events = await eventsOf(customer)
  const event = events.find(({ type }) => type === 'customer.subscription.created')
  if (!event) throw new Error('The simulator made no customer.subscription.created')
  return event
}
