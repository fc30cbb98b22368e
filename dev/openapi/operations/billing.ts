// Plans, subscription, use, Checkout, portal, and Stripe's events.
import * as z from 'zod/mini'
import { redirectUrl } from '../../../src/billing/redirects.ts'
import { checkoutBody, portalBody } from '../../../src/billing/routes.ts'
import { eventShape } from '../../../src/billing/verify.ts'
import { count, flag, instant, link, list, maybeInstant, prose, status, tier } from '../fields.ts'
import type { Operation } from '../operation.ts'
import { answer, request, tell } from '../registry.ts'

tell(redirectUrl, {
  description:
    'Where the browser comes back to: https, or http on loopback; on an allowed origin where a list is set. {CHECKOUT_SESSION_ID} is filled in by Stripe.',
  format: 'uri-template',
})
tell(checkoutBody.shape.tier, { description: 'The plan to buy.' })

const plan = answer(
  'Plan',
  z.object({
    tier: tier('Its name in requests.'),
    name: prose('Its name for people.'),
    price: tell(
      z.nullable(
        z.object({
          amount: tell(z.nullable(z.int().check(z.minimum(0))), {
            description: "In the currency's smallest unit.",
          }),
          currency: tell(z.string().check(z.regex(/^[a-z]{3}$/), z.maxLength(3)), {
            description: 'ISO 4217, in lower case.',
          }),
          interval: tell(z.nullable(z.enum(['day', 'week', 'month', 'year'])), {
            description: 'How often it is paid.',
          }),
        }),
      ),
      { description: 'As Stripe has it; null where Stripe has not answered.' },
    ),
    quotas: z.object({
      reactions: count('Reactions a month.'),
      api_calls: count('Paid calls a month.'),
    }),
    rate_limit: count('Paid calls a second, counted over ten seconds.'),
  }),
)
export const plans = list(plan.schema, 10, 'The smallest first.')
const planList = answer('Plans', z.object({ plans }))

const usage = answer(
  'UsageWindow',
  z.object({
    month: tell(z.string().check(z.regex(/^\d{4}-\d{2}$/), z.maxLength(7)), {
      description: 'In which the window begins.',
    }),
    period_start: instant('When the window begins.'),
    period_end: instant('When the quota is whole again.'),
    reactions: count('Used.'),
    reactions_quota: count('What the plan holds.'),
    api_calls: count('Used.'),
    api_calls_quota: count('What the plan holds.'),
    percentage_used: tell(z.number().check(z.minimum(0)), {
      description: 'Of the quota that is nearer to its end.',
    }),
  }),
  'A month of the quota, which begins when it is paid.',
)
const usageReport = answer(
  'Usage',
  z.object({
    current_month: usage.schema,
    history: list(usage.schema, 6, 'Earlier windows in which anything was used, the newest first.'),
  }),
)
const subscription = answer(
  'Subscription',
  z.object({
    tier: tier('The plan bought, else the one that they mean to buy.'),
    status: status("Stripe's word, or none."),
    current_period_start: maybeInstant('Of the paid month.'),
    current_period_end: maybeInstant('Of the paid month.'),
    cancel_at_period_end: flag('Whether it ends then.'),
    cancel_at: maybeInstant('When it will end.'),
    trial_end: maybeInstant('When the trial ends.'),
    grace_until: maybeInstant('How long a failed payment is forgiven.'),
    access: flag('Whether a paid call would be let in.'),
    usage: usage.schema,
  }),
)
const checkout = answer(
  'CheckoutSession',
  z.object({
    session_id: tell(z.string().check(z.regex(/^cs_\w+$/), z.maxLength(255)), {
      description: 'At Stripe.',
    }),
    url: link('Send the browser there to pay.'),
    publishable_key: tell(z.string().check(z.regex(/^pk_\w+$/), z.maxLength(255)), {
      description: 'For Stripe.js. No secret.',
    }),
  }),
)
const portal = answer('PortalSession', z.object({ url: link('Send the browser there.') }))
const receipt = answer(
  'EventReceipt',
  z.object({
    received: z.literal(true),
    outcome: z.enum(['applied', 'duplicate', 'ignored', 'stale']),
    reason: prose('What was done, or why nothing.'),
  }),
)

export const EVENT = {
  id: 'evt_1PgExampleOfAnEvent',
  object: 'event',
  type: 'customer.created',
  api_version: '2025-03-31.basil',
  created: 1_760_000_000,
  data: { object: { id: 'cus_Example', object: 'customer' } },
}

export const BILLING: readonly Operation[] = [
  {
    method: 'get',
    path: '/billing/plans',
    id: 'listPlans',
    tag: 'Billing',
    summary: 'List the plans',
    description: 'What each holds and costs.',
    door: 'public',
    answer: { status: 200, description: 'The plans.', schema: planList },
    problems: ['stripe_unavailable'],
  },
  {
    method: 'get',
    path: '/billing/subscription',
    id: 'getSubscription',
    tag: 'Billing',
    summary: 'See the subscription',
    description: "As the paywall sees it, with this month's use.",
    door: 'account',
    answer: { status: 200, description: 'The subscription.', schema: subscription },
    problems: [],
  },
  {
    method: 'get',
    path: '/billing/usage',
    id: 'getUsage',
    tag: 'Billing',
    summary: 'See what was used',
    description: 'This window of the quota, and up to six before it.',
    door: 'account',
    answer: { status: 200, description: 'What was used.', schema: usageReport },
    problems: [],
  },
  {
    method: 'post',
    path: '/billing/checkout/session',
    id: 'startCheckout',
    tag: 'Billing',
    summary: 'Buy a plan',
    description:
      'Opens a page of Stripe Checkout. The key opens the paid API once Stripe has told us.',
    door: 'account',
    body: {
      schema: request('Checkout', checkoutBody),
      example: {
        tier: 'hobby',
        success_url: 'https://app.example.com/welcome?session={CHECKOUT_SESSION_ID}',
        cancel_url: 'https://app.example.com/pricing',
      },
    },
    answer: { status: 200, description: 'Where to pay.', schema: checkout },
    problems: ['already_subscribed', 'too_many_attempts', 'stripe_unavailable'],
  },
  {
    method: 'post',
    path: '/billing/portal',
    id: 'openPortal',
    tag: 'Billing',
    summary: 'Change plan or card, see invoices, cancel',
    description: "Opens Stripe's customer portal.",
    door: 'account',
    body: {
      schema: request('Portal', portalBody),
      example: { return_url: 'https://app.example.com/dashboard' },
    },
    answer: { status: 200, description: 'Where the portal is.', schema: portal },
    problems: ['no_customer', 'too_many_attempts', 'stripe_unavailable'],
  },
  {
    method: 'post',
    path: '/billing/webhooks/stripe',
    id: 'receiveStripeEvent',
    tag: 'Billing',
    summary: 'Hear of a payment (Stripe alone)',
    description:
      'Any order and any number of deliveries end in the same state. An answer of 5xx asks Stripe to deliver again.',
    door: 'stripe',
    body: { schema: request('StripeEvent', eventShape), example: EVENT },
    answer: { status: 200, description: 'What came of it.', schema: receipt },
    problems: ['stripe_unavailable'],
  },
]

/** What an event is, to who has not read Stripe's pages. */
tell(eventShape.shape.type, { description: 'As customer.subscription.updated.' })
