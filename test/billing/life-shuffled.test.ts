// A life of chance: what a person and a seller may click in any order, told by events late, shuffled, twice and at
// once. When all is told, the account is what Stripe shows, and the audit log has no gap.
import { expect, test } from 'vitest'
import { EVENT_TYPES } from '../../src/billing/event-types.ts'
import { tierOfPrice } from '../../src/plans.ts'
import { buyer, type Customer } from '../support/life.ts'
import { control, deliver, type EventJson, eventsOf, stack } from '../support/stripe.ts'

const USED: ReadonlySet<string> = new Set(EVENT_TYPES)

/** Numbers in [0, 1) that a seed decides (mulberry32). */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

function shuffled<T>(all: readonly T[], random: () => number): T[] {
  return all
    .map((one) => ({ one, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one)
}

const ACTIONS: Readonly<Record<string, (person: Customer) => Promise<unknown>>> = {
  upgrade: (person) => act(person, 'change-plan', { price: stack.prices.pro }),
  downgrade: (person) => act(person, 'change-plan', { price: stack.prices.hobby }),
  schedule: (person) => act(person, 'cancel-at-period-end'),
  takeBack: (person) => act(person, 'resume'),
  pauseVoid: (person) => act(person, 'pause-collection', { behavior: 'void' }),
  unpause: (person) => act(person, 'unpause-collection'),
  failNext: ({ customer }) => control('POST', `/customers/${customer}/fail-next-payment`),
  aMonth: (person) => person.pass({ days: 31 }),
  aWeek: (person) => person.pass({ days: 7 }),
}

function act({ subscription }: Customer, action: string, body?: unknown): Promise<unknown> {
  return control('POST', `/subscriptions/${subscription}/${action}`, body)
}

async function expectAsStripeShows({ app, subscription, look }: Customer): Promise<void> {
  const shown = await app.deps.stripe.subscriptions.retrieve(subscription)
  const seen = await look()
  expect(seen).toMatchObject({
    status: shown.status,
    tier: tierOfPrice(app.deps.config.prices, shown.items.data[0]?.price.id ?? ''),
    cancel_at: shown.cancel_at === null ? null : new Date(shown.cancel_at * 1000).toISOString(),
    cancel_at_period_end: shown.cancel_at_period_end,
  })
  expect(seen.paid === 'sold').toBe(seen.access)
}

/** Each change begins where the one before ended. */
async function expectNoGap({ audit }: Customer): Promise<void> {
  const changes = await audit()
  const ends = changes.map((change) => change.split(' > '))
  for (const [index, [from]] of ends.entries()) {
    expect(from).toBe(index === 0 ? 'none' : ends[index - 1]?.[1])
  }
}

test.each([11, 23, 37, 58])('seed %i', async (seed) => {
  const random = chance(seed)
  const person = await buyer()
  const told = new Set<string>()
  const history: string[] = []
  const tell = (events: readonly EventJson[]) =>
    Promise.all(
      events.flatMap((event) => {
        told.add(event.id)
        return random() < 0.3
          ? [deliver(person.app, event), deliver(person.app, event)]
          : [deliver(person.app, event)]
      }),
    )
  const untold = async () =>
    (await eventsOf(person.customer)).filter(({ id, type }) => USED.has(type) && !told.has(id))

  for (let step = 0; step < 10; step += 1) {
    const [name = ''] = shuffled(Object.keys(ACTIONS), random)
    history.push(name)
    // Stripe refuses what cannot be done, as a declined upgrade, or anything after the end: that is life, too.
    await ACTIONS[name]?.(person).catch((error: Error) => history.push(error.message.slice(0, 60)))
    const some = shuffled(await untold(), random).filter(() => random() < 0.6)
    for (const { status } of await tell(some)) expect(status, history.join(', ')).toBe(200)
  }
  for (const { status } of await tell(shuffled(await untold(), random))) {
    expect(status, history.join(', ')).toBe(200)
  }
  await expectAsStripeShows(person)
  await expectNoGap(person)
})
