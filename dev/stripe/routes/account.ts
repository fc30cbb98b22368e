// /v1/account: the simulated account itself.
import type { Stripe } from 'stripe'
import { type Route, route } from '../route.ts'

const ACCOUNT_ID = 'acct_1SimulatedTollgate'

export const accountRoutes: Route[] = [
  route('GET /v1/account', 'account', {}, () => {
    const account: Stripe.Account = {
      id: ACCOUNT_ID,
      object: 'account',
      business_type: 'company',
      capabilities: { card_payments: 'active', transfers: 'active' },
      charges_enabled: true,
      country: 'US',
      default_currency: 'usd',
      details_submitted: true,
      email: 'seller@example.com',
      metadata: {},
      payouts_enabled: true,
      type: 'standard',
    }
    return account
  }),
]
