// The script of one customer's life: what is done at Stripe, which events reach the Worker meanwhile and how, and the
// order of the others afterwards. Made by fast-check; printed one step a line.
import fc from 'fast-check'
import { TIERS, type Tier } from '../../../src/plans.ts'
import type { Fate } from './edge.ts'

export const PAUSES = ['void', 'keep_as_draft', 'mark_uncollectible'] as const

/** `of` picks one of the subscriptions that run; what is not possible is skipped. */
export type Act =
  | { do: 'buy'; tier: Tier; card: 'pays' | 'is declined' | 'pays once' }
  | { do: 'renewal'; fails: boolean }
  | { do: 'period end' }
  | { do: 'days pass'; days: number }
  | { do: 'pay the open invoice'; which: 'newest' | 'oldest' }
  | { do: 'change plan'; of: number; tier: Tier | 'unknown'; by: 'portal' | 'hand' }
  | { do: 'schedule the end'; of: number; form: 'at period end' | 'portal' | 'in 2 days' }
  | { do: 'take the end back'; of: number }
  | { do: 'cancel now'; of: number }
  | { do: 'pause collection'; of: number; behavior: (typeof PAUSES)[number] }
  | { do: 'pause'; of: number }
  | { do: 'unpause'; of: number }
  | {
      do: 'second by hand'
      tier: Tier | 'other product'
      card: 'pays' | 'declines'
      trial: boolean
    }
  | { do: 'stranger claims'; tier: Tier }
  | { do: 'refund'; which: 'newest' | 'oldest' }
  | { do: 'delete the customer' }

/** Until all the rest has arrived. */
const FOREVER = 99

/** One event on its way to one isolate. `event` picks among those that wait first, then those that have arrived. */
export interface Delivery {
  event: number
  isolate: number
  isPinned: boolean
  fate: Fate
}

export type Step = Act | { do: 'deliver'; all: Delivery[] }

/** What is delivered after the life: every event that has not arrived, once or more. */
export interface Aftermath {
  /** Sorts them. */
  order: number[]
  copies: number[]
  groups: number[]
  /** Used in turn. */
  deliveries: Omit<Delivery, 'event'>[]
  /** Whether what waits goes on only when all the rest has arrived. */
  waitersLast: boolean
}

export interface Script {
  trialDays: 0 | 7
  refundPolicy: 'cancel' | 'keep'
  steps: Step[]
  after: Aftermath
}

const is = <const T extends string>(name: T) => fc.constant(name)
const of = fc.nat(2)
const tier = fc.constantFrom(...TIERS)

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: is('buy'),
      tier,
      card: fc.constantFrom('pays', 'pays', 'pays once', 'is declined'),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: is('renewal'), fails: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: is('period end') }) },
  { weight: 3, arbitrary: fc.record({ do: is('days pass'), days: fc.constantFrom(1, 3, 4, 8) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: is('pay the open invoice'),
      which: fc.constantFrom('newest', 'oldest'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: is('change plan'),
      of,
      tier: fc.constantFrom(...TIERS, ...TIERS, 'unknown'),
      by: fc.constantFrom('portal', 'hand'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: is('schedule the end'),
      of,
      form: fc.constantFrom('at period end', 'portal', 'in 2 days'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: is('take the end back'), of }) },
  { weight: 3, arbitrary: fc.record({ do: is('cancel now'), of }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: is('pause collection'),
      of,
      behavior: fc.constantFrom('void', ...PAUSES),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: is('pause'), of }) },
  { weight: 3, arbitrary: fc.record({ do: is('unpause'), of }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: is('second by hand'),
      tier: fc.constantFrom(...TIERS, 'other product'),
      card: fc.constantFrom('pays', 'pays', 'declines'),
      trial: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: is('stranger claims'), tier }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: is('refund'), which: fc.constantFrom('newest', 'oldest') }),
  },
  { weight: 1, arbitrary: fc.record({ do: is('delete the customer') }) },
)

const when = fc.constantFrom('before', 'after')
/** A delivery makes four requests: ledger, Stripe, the rows, Redis; that of a refund some more. */
const at = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 3, arbitrary: fc.integer({ min: 5, max: 16 }) },
)
const steps = fc.constantFrom(1, 2, 4, FOREVER, FOREVER)
/** What it has read grows old before it is written; what it has written, before Redis has it. */
const growsOld: fc.Arbitrary<Fate> = fc.record({
  kind: is('waits'),
  at: fc.constantFrom(3, 4),
  when: fc.constant<'before'>('before'),
  steps,
})
const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: is('arrives') }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: is('dies'), at, when, alone: fc.constantFrom(true, true, false) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: is('is refused'), at }) },
  { weight: 2, arbitrary: fc.record({ kind: is('waits'), at, when, steps }) },
  { weight: 1, arbitrary: growsOld },
)

const way = {
  isolate: fc.nat(2),
  isPinned: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
  fate,
}
// Only during the life can what was read grow old.
const delivery: fc.Arbitrary<Delivery> = fc.record({
  event: fc.nat(9),
  ...way,
  fate: fc.oneof(fate, growsOld),
})
const deliver = fc.record({
  do: is('deliver'),
  all: fc.array(delivery, { minLength: 1, maxLength: 3 }),
})

type Opening = 'payer' | 'debtor' | 'deep debtor' | 'returner' | 'deleted' | 'refunded'

/** Most lives are of somebody who has bought; some of one who owes an invoice or two, or who comes back. */
function opening(tier: Tier, who: Opening): Step[] {
  const buy: Step = { do: 'buy', tier, card: 'pays' }
  if (who === 'payer') return [buy]
  if (who === 'refunded') return [buy, { do: 'refund', which: 'newest' }]
  if (who === 'returner') return [buy, { do: 'cancel now', of: 0 }, buy]
  if (who === 'deleted') return [buy, { do: 'delete the customer' }, buy]
  const owes: Step[] = [
    { do: 'buy', tier: who === 'debtor' ? tier : 'hobby', card: 'pays once' },
    { do: 'renewal', fails: true },
  ]
  if (who === 'debtor') return owes
  return [
    ...owes,
    { do: 'days pass', days: 1 },
    { do: 'change plan', of: 0, tier: 'pro', by: 'portal' },
  ]
}

const life: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.array(fc.oneof({ weight: 3, arbitrary: act }, { weight: 2, arbitrary: deliver }), {
      minLength: 1,
      maxLength: 6,
      size: 'max',
    }),
    tier,
    fc.constantFrom<Opening[]>(
      'payer',
      'payer',
      'payer',
      'payer',
      'debtor',
      'deep debtor',
      'returner',
      'deleted',
      'refunded',
    ),
  )
  .map(([steps, bought, who]) => [...opening(bought, who), ...steps])

export const script: fc.Arbitrary<Script> = fc.record({
  trialDays: fc.constantFrom(0, 0, 7),
  refundPolicy: fc.constantFrom('cancel', 'keep'),
  steps: life,
  after: fc.record({
    order: fc.array(fc.nat(99), { minLength: 1, maxLength: 12, size: 'max' }),
    copies: fc.array(fc.constantFrom(1, 1, 1, 2, 3), { minLength: 1, maxLength: 5 }),
    groups: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
    deliveries: fc.array(fc.record(way), { minLength: 1, maxLength: 8, size: 'max' }),
    waitersLast: fc.boolean(),
  }),
})

/** The act in a few words. */
export function describeAct({ do: name, ...rest }: Act): string {
  const words = Object.entries(rest).map(([key, value]) => `${key}: ${value}`)
  return words.length > 0 ? `${name} (${words.join(', ')})` : name
}

export function describeFate(fate: Fate): string {
  switch (fate.kind) {
    case 'arrives':
      return ''
    case 'is refused':
      return `, is refused at request ${fate.at}`
    case 'dies':
      return `, dies ${fate.when} request ${fate.at}${fate.alone ? ' alone' : ''}`
    case 'waits':
      return `, waits ${fate.when} request ${fate.at} for ${fate.steps === FOREVER ? 'ever' : `${fate.steps} steps`}`
  }
}
