// Which Stripe account is meant, and whether it may be touched.
import type { CommandVars } from '../command-vars.ts'
import { isLoopback } from '../loopback.ts'
import type { Options } from './options.ts'

export interface Account {
  secretKey: string
  apiBase?: URL
  live: boolean
  /** Served on this machine: the simulator. */
  local: boolean
  /** In words, without the key. */
  description: string
}

const TEST_KEYS = 'https://dashboard.stripe.com/test/apikeys'

/** @throws Error that says what to do, and never repeats a key */
export function accountOf(
  { vars, sources, file }: CommandVars,
  { live: meansLive, webhookUrl }: Pick<Options, 'live' | 'webhookUrl'>,
): Account {
  const key = vars.STRIPE_SECRET_KEY
  if (!key) {
    throw new Error(
      `STRIPE_SECRET_KEY is not set. Copy a test key (sk_test_…) from ${TEST_KEYS} into ${file} or the environment; for the local simulator start \`npm run dev\` or \`npm run stack\` first.`,
    )
  }
  const place = { environment: 'the environment', file, 'local stack': 'the local stack' }
  const from = place[sources.STRIPE_SECRET_KEY ?? 'environment']
  const [, mode] = /^(?:sk|rk)_(test|live)_./.exec(key) ?? []
  if (!mode) {
    const what = key.startsWith('pk_') ? 'is the publishable key' : 'is no secret key of Stripe'
    throw new Error(
      `STRIPE_SECRET_KEY in ${from} ${what}: it must look like sk_test_… or rk_test_…. Copy it from ${TEST_KEYS}.`,
    )
  }
  const live = mode === 'live'
  if (live && !meansLive) {
    throw new Error(
      `STRIPE_SECRET_KEY in ${from} is a live key: what is made with it is sold for real money. Add --live if you mean that, or use a test key from ${TEST_KEYS}.`,
    )
  }
  if (!live && meansLive) {
    throw new Error(
      `--live is given, but STRIPE_SECRET_KEY in ${from} is a test key. Leave --live away, or set a live key from https://dashboard.stripe.com/apikeys.`,
    )
  }
  const base = vars.STRIPE_API_BASE
  if (!base) {
    if (webhookUrl && isLoopback(webhookUrl)) {
      throw new Error(
        'Stripe reaches no address of this machine: --url must be that of a deployed Worker. For this machine leave it away, and see what the output says of the Stripe CLI.',
      )
    }
    return {
      secretKey: key,
      live,
      local: false,
      description: `Stripe, ${mode} mode (key: ${from})`,
    }
  }
  if (live) {
    throw new Error(
      `A live key is for Stripe itself, but STRIPE_API_BASE in ${place[sources.STRIPE_API_BASE ?? 'environment']} leads elsewhere: take it out.`,
    )
  }
  if (!URL.canParse(base))
    throw new Error('STRIPE_API_BASE is not a URL, such as http://127.0.0.1:8790.')
  const apiBase = new URL(base)
  return {
    secretKey: key,
    apiBase,
    live,
    local: isLoopback(base),
    description: `${apiBase.origin} in Stripe's place (key: ${from})`,
  }
}
