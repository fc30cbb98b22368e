// One account's life at Stripe: the acts of a script carried out through our own Checkout, Stripe's API and the
// simulator's control API. An act that the present state does not allow is skipped, so that scripts can be shortened.
import Stripe from 'stripe'
import { mintApiKey } from '../../../src/api-key.ts'
import type { Deps } from '../../../src/context.ts'
import { apiKeys, users } from '../../../src/data/schema.ts'
import { type Json, unique } from '../app.ts'
import { control, pay, stack } from '../stripe.ts'
import type { Act } from './script.ts'

const CARDS = {
  pays: '4242424242424242',
  'is declined': '4000000000000002',
  'pays once': '4000000000000341',
}
const DAY_SECONDS = 86_400

/** Prices that no plan of ours has, and the account whose id a foreign metadata names. */
export interface Elsewhere {
  unknownPrice: string
  otherProduct: string
  decoy: string
}

/** Asks some isolate for a Checkout session. */
type Checkout = (tier: string) => Promise<{ status: number; json: Json; text: string }>

export class Life {
  readonly userId = crypto.randomUUID()
  readonly email = `${unique('life')}@example.com`
  readonly key: string
  /** Of this account, the present one last; and of others that claim to be it. */
  readonly customers: string[] = []
  readonly strangers: string[] = []
  /** Subscriptions that our Checkout has sold. */
  readonly sold: string[] = []
  isDeleted = false
  readonly #deps: Deps
  readonly #elsewhere: Elsewhere
  readonly #checkout: Checkout
  readonly #keyId = crypto.randomUUID().slice(-12).padStart(16, '0')
  #aheadMs = 0

  constructor(deps: Deps, elsewhere: Elsewhere, checkout: Checkout) {
    this.#deps = deps
    this.#elsewhere = elsewhere
    this.#checkout = checkout
    this.key = mintApiKey(deps.config.apiKeySecrets, { userId: this.userId, keyId: this.#keyId })
  }

  /** The account's clock: the customer's at Stripe, as all isolates read it. */
  now = (): Date => new Date(Date.now() + this.#aheadMs)

  get customer(): string | undefined {
    return this.isDeleted ? undefined : this.customers.at(-1)
  }

  async begin(): Promise<void> {
    const { db } = this.#deps
    await db.batch([
      db.insert(users).values({
        id: this.userId,
        email: this.email,
        passwordHash: 'none',
        tier: 'hobby',
        createdAt: new Date(),
      }),
      db
        .insert(apiKeys)
        .values({ id: this.#keyId, userId: this.userId, name: 'default', createdAt: new Date() }),
    ])
  }

  /** @returns whether it could be done */
  async act(act: Act): Promise<boolean> {
    try {
      return (await this.#do(act)) !== 'impossible'
    } catch (error) {
      if (isRefusal(error)) return false
      throw error
    }
  }

  async #do(act: Act): Promise<unknown> {
    const { stripe } = this.#deps
    if (act.do === 'buy') return this.#buy(act)
    if (act.do === 'stranger claims') return this.#strangerClaims(act.tier)
    const { customer } = this
    if (!customer) return 'impossible'
    switch (act.do) {
      case 'renewal':
        if (act.fails) await control('POST', `/customers/${customer}/fail-next-payment`)
        return this.#advance(customer, 'renewal')
      case 'period end':
        return this.#advance(customer, 'period_end')
      case 'days pass':
        return this.#advance(customer, { days: act.days })
      case 'pay the open invoice':
        return this.#payOpenInvoice(customer, act.which)
      case 'refund':
        return this.#refund(customer, act.which)
      case 'second by hand':
        return this.#secondByHand(customer, act)
      case 'delete the customer':
        await stripe.customers.del(customer)
        this.isDeleted = true
        return
      default:
        return this.#change(customer, act)
    }
  }

  async #change(customer: string, act: Extract<Act, { of: number }>): Promise<unknown> {
    const { stripe } = this.#deps
    const { data } = await stripe.subscriptions.list({ customer, limit: 20 })
    const subscription = data[act.of % data.length]
    if (!subscription) return 'impossible'
    const { id, items } = subscription
    const command = (name: string, body?: unknown) =>
      control('POST', `/subscriptions/${id}/${name}`, body)
    switch (act.do) {
      case 'change plan': {
        const price = act.tier === 'unknown' ? this.#elsewhere.unknownPrice : stack.prices[act.tier]
        if (act.by === 'portal') return command('change-plan', { price })
        const [item] = items.data
        return item && stripe.subscriptions.update(id, { items: [{ id: item.id, price }] })
      }
      case 'schedule the end': {
        if (act.form === 'portal') return command('cancel-at-period-end')
        if (act.form === 'at period end') {
          return stripe.subscriptions.update(id, { cancel_at_period_end: true })
        }
        const inTwoDays = Math.floor(this.now().getTime() / 1000) + 2 * DAY_SECONDS
        return stripe.subscriptions.update(id, { cancel_at: inTwoDays })
      }
      case 'take the end back':
        return command('resume')
      case 'cancel now':
        return command('cancel-now')
      case 'pause collection':
        return command('pause-collection', { behavior: act.behavior })
      case 'pause':
        return command('pause')
      case 'unpause':
        return command('unpause')
    }
  }

  async #buy({ tier, card }: Extract<Act, { do: 'buy' }>): Promise<unknown> {
    const { stripe } = this.#deps
    const { customer } = this
    const owned = customer
      ? (await stripe.subscriptions.list({ customer, status: 'all', limit: 100 })).data
      : []
    const { status, json, text } = await this.#checkout(tier)
    const paying = owned.filter(({ status }) => isPaying(status))
    const prices = Object.values(stack.prices)
    const isOurs = ({ items }: Stripe.Subscription) =>
      items.data.some(({ price }) => prices.includes(price.id))
    if (status === 409) {
      if (paying.length === 0)
        throw new Error(`Checkout refuses somebody who pays nothing: ${text}`)
      return 'impossible'
    }
    if (status !== 200) throw new Error(`Checkout answered ${status}: ${text}`)
    if (paying.some(isOurs)) throw new Error('Checkout sells a second time to somebody who pays')
    const session = await stripe.checkout.sessions.retrieve(json.session_id)
    const buyer = String(session.customer)
    if (buyer !== this.customers.at(-1)) {
      this.customers.push(buyer)
      this.isDeleted = false
      // A new customer's clock is the wall's; the account's has gone on.
      await this.#advance(buyer, Math.ceil(this.now().getTime() / 1000))
    }
    await pay(session.id, CARDS[card])
    const paid = await stripe.checkout.sessions.retrieve(session.id)
    this.sold.push(String(paid.subscription))
    return
  }

  async #secondByHand(
    customer: string,
    { tier, card, trial }: Extract<Act, { do: 'second by hand' }>,
  ): Promise<unknown> {
    const { stripe } = this.#deps
    const name = card === 'pays' ? 'pm_card_visa' : 'pm_card_chargeCustomerFail'
    const { id } = await stripe.paymentMethods.attach(name, { customer })
    return stripe.subscriptions.create({
      customer,
      items: [
        { price: tier === 'other product' ? this.#elsewhere.otherProduct : stack.prices[tier] },
      ],
      default_payment_method: id,
      // Whose it is, the customer says.
      metadata: { user_id: this.#elsewhere.decoy },
      ...(trial && { trial_period_days: 5 }),
    })
  }

  async #strangerClaims(tier: 'hobby' | 'research' | 'pro'): Promise<unknown> {
    const { stripe } = this.#deps
    const metadata = { user_id: this.userId, tier }
    const { id: customer } = await stripe.customers.create({
      email: `${unique('stranger')}@example.com`,
      metadata,
      payment_method: 'pm_card_visa',
      invoice_settings: { default_payment_method: 'pm_card_visa' },
    })
    this.strangers.push(customer)
    return stripe.subscriptions.create({
      customer,
      items: [{ price: stack.prices[tier] }],
      metadata,
    })
  }

  async #payOpenInvoice(customer: string, which: 'newest' | 'oldest'): Promise<unknown> {
    const { stripe } = this.#deps
    const { data } = await stripe.invoices.list({ customer, status: 'open', limit: 20 })
    const invoice = data.at(which === 'newest' ? 0 : -1)
    if (!invoice?.id) return 'impossible'
    const card = await stripe.paymentMethods.attach('pm_card_visa', { customer })
    return stripe.invoices.pay(invoice.id, { payment_method: card.id })
  }

  async #refund(customer: string, which: 'newest' | 'oldest'): Promise<unknown> {
    const { stripe } = this.#deps
    const { data } = await stripe.charges.list({ customer, limit: 50 })
    const charge = data.filter(({ paid }) => paid).at(which === 'newest' ? 0 : -1)
    return charge ? stripe.refunds.create({ charge: charge.id }) : 'impossible'
  }

  async #advance(customer: string, to: unknown): Promise<void> {
    const { now } = await control<{ now: number }>('POST', `/customers/${customer}/advance`, { to })
    this.#aheadMs = Math.max(this.#aheadMs, now * 1000 - Date.now() + 1)
  }
}

/** Whether Stripe still lets it be paid. */
export function isPaying(status: string): boolean {
  return ['active', 'trialing', 'past_due', 'unpaid', 'paused'].includes(status)
}

/** Stripe or its simulator says that this cannot be done now: not that something broke. */
function isRefusal(error: unknown): boolean {
  if (error instanceof Stripe.errors.StripeError) {
    return error.statusCode !== undefined && error.statusCode < 500 && error.statusCode !== 429
  }
  return error instanceof Error && /^(POST|GET) \/\S+: 4\d\d /.test(error.message)
}
