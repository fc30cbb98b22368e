// The command line of stripe:setup.

import { parseArgs } from 'node:util'
import { EVENT_TYPES } from '../../src/billing/event-types.ts'
import { UsageError } from '../command-errors.ts'
import { isLoopback } from '../loopback.ts'

export interface Options {
  help: boolean
  /** Where the Worker hears webhooks. */
  webhookUrl?: string
  /** Whether objects that exist may be changed. */
  yes: boolean
  dryRun: boolean
  live: boolean
  write: boolean
  file: string
}

export const USAGE = `Usage: npm run stripe:setup -- [options]

Creates or finds, in the Stripe account of STRIPE_SECRET_KEY, what Tollgate sells and needs: products and prices, a
configuration of the customer portal, and the Worker's webhook endpoint. What is missing is made at once; what exists
and differs is shown, and changed with --yes only. A second run changes nothing.

  --url URL    of the deployed Worker, such as https://worker.example.com; without it no webhook endpoint is made
  --yes        change what exists and differs
  --dry-run    show everything, change nothing
  --write      write the variables to the file, beside printing them
  --vars FILE  where the variables stand (default .dev.vars); the environment comes first
  --live       needed for a live key: real customers, real money
  --help       this text

Exit status: 0 all is as it should be, 1 it failed, 2 something differs and was left as it is.`

const WEBHOOK_PATH = '/api/v1/billing/webhooks/stripe'

/** @throws UsageError */
export function readOptions(args: string[]): Options {
  const values = parse(args)
  return {
    help: values.help,
    ...(values.url !== undefined && { webhookUrl: webhookUrl(values.url) }),
    yes: values.yes,
    dryRun: values['dry-run'],
    live: values.live,
    write: values.write,
    file: values.vars,
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        url: { type: 'string' },
        yes: { type: 'boolean', default: false },
        'dry-run': { type: 'boolean', default: false },
        live: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        vars: { type: 'string', default: '.dev.vars' },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** The Worker's address with the webhook's path; who gives the whole of it is understood too. */
function webhookUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const bare = url && !url.search && !url.hash && !url.username && !url.password
  const path = url?.pathname.replace(/\/$/, '')
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url))
  if (url && bare && safe && (path === '' || path === WEBHOOK_PATH)) {
    return `${url.origin}${WEBHOOK_PATH}`
  }
  throw new UsageError(
    `--url must be the Worker's address with https and without a path, as in https://worker.example.com: ${WEBHOOK_PATH} is added.`,
  )
}

/** How events reach a Worker on this machine: https://docs.stripe.com/cli/listen, as the README has it. */
export const LISTEN = [
  'npx @stripe/cli listen --latest --api-key sk_test_…',
  `--forward-to http://127.0.0.1:8787${WEBHOOK_PATH}`,
  `--events ${EVENT_TYPES.join()}`,
].join(' ')
