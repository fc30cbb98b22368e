// Telling which variables to set, and writing them.
import type { Stripe } from 'stripe'
import type { CommandVars } from '../command-vars.ts'
import type { Account } from './account.ts'
import type { Options } from './options.ts'
import type { Plan } from './plan.ts'
import { priceVars } from './variables.ts'
import { writeVars } from './vars-file.ts'

export const SECRET = 'STRIPE_WEBHOOK_SECRET'
const PORTAL = 'STRIPE_PORTAL_CONFIGURATION_ID'

interface Telling {
  options: Options
  account: Account
  config: CommandVars
  say: (text: string) => void
}

export async function tellVariables(
  stripe: Stripe,
  { offers, portal, endpoint }: Plan,
  telling: Telling,
): Promise<void> {
  const { options, config, say } = telling
  const { vars, file } = config
  const writes = options.write && !options.dryRun && !isStacks(config)
  const secret = endpoint.secret ? { [SECRET]: endpoint.secret } : {}
  // First, before anything that may fail.
  tell(secret, say)
  if (writes && endpoint.secret) writeVars(file, secret)
  const { values: prices, dropped } = await priceVars(stripe, offers, vars)
  const ids = { ...prices, ...(portal.id && { [PORTAL]: portal.id }) }
  tell(ids, say)
  if (Object.keys(ids).length <= offers.length) say('What is missing has no id yet.')
  for (const id of dropped) say(`${id}, which is set today, is no price of this account: left out.`)
  const former = vars[PORTAL]
  if (former && portal.id && former !== portal.id) {
    say(`${PORTAL} is ${former} today, which this command did not make, or not for this account.`)
  }
  if (endpoint.foundId) say(secretOfFound(endpoint.foundId, telling))
  const values = { ...secret, ...ids }
  if (isStacks(config)) {
    say(
      endpoint.secret
        ? `This is the local stack's account: its own Worker has all that it needs. ${SECRET} is for a Worker at that URL.`
        : 'The local stack sets these for its own Worker: there is nothing for you to set.',
    )
    if (options.write) say(`Nothing is written to ${file}: it would stand above the stack's own.`)
  } else if (writes) {
    say(writeVars(file, values) || endpoint.secret ? `Written to ${file}.` : `${file} has them.`)
    warnOfEnvironment(values, telling)
  } else if (Object.entries(values).some(([name, value]) => vars[name] !== value)) {
    say(
      `Set these: --write puts them into ${file}; for a deployment: npx wrangler secret put NAME --env production`,
    )
  } else {
    say('They are set already.')
  }
  say('')
}

function tell(values: Readonly<Record<string, string>>, say: (text: string) => void): void {
  for (const [name, value] of Object.entries(values)) say(`${name}=${value}`)
}

function secretOfFound(id: string, { config, account }: Telling): string {
  return config.vars[SECRET]
    ? `${SECRET}: keep what is set, the endpoint is the one that was there.`
    : `${SECRET} is not set, and Stripe tells a program the secret of a new endpoint only: copy it from https://dashboard.stripe.com${account.live ? '' : '/test'}/webhooks/${id}`
}

function warnOfEnvironment(
  values: Readonly<Record<string, string>>,
  { config: { sources, file }, say }: Telling,
): void {
  for (const name of Object.keys(values)) {
    if (sources[name] !== 'environment') continue
    say(`${name} is set in the environment too, which comes before ${file}.`)
  }
  if (sources.STRIPE_SECRET_KEY === 'environment') {
    say(
      `STRIPE_SECRET_KEY is in the environment alone: these prices need it wherever ${file} is used.`,
    )
  }
}

/** The key is the local stack's: so are the variables, which its next start may make anew. */
function isStacks({ sources }: CommandVars): boolean {
  return sources.STRIPE_SECRET_KEY === 'local stack'
}
