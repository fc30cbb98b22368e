// Gives a Stripe account what Tollgate sells and needs, and says what to set. `npm run stripe:setup`.
import { stripeSetup } from './stripe-setup/command.ts'

process.exitCode = await stripeSetup(process.argv.slice(2))
