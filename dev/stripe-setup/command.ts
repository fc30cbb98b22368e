// The command stripe:setup: plan, steps, variables, exit status.
import { existsSync } from 'node:fs'
import { connectStripe } from '../../src/deps.ts'
import { explained, UsageError } from '../command-errors.ts'
import { type CommandVars, readCommandVars } from '../command-vars.ts'
import { type Account, accountOf } from './account.ts'
import { explain } from './failure.ts'
import { isStep } from './item.ts'
import { LISTEN, type Options, readOptions, USAGE } from './options.ts'
import { type Plan, planSetUp, runSteps, stepsOf } from './plan.ts'
import { SECRET, tellVariables } from './tell-variables.ts'

/** Whom the command talks to, and where it finds its variables beside the file. */
export interface Surroundings {
  env?: NodeJS.Dict<string>
  /** Of the local stack. */
  stackFolder?: string
  /** One line, or several. */
  say?: (text: string) => void
  complain?: (text: string) => void
}

/** @returns the exit status: see USAGE */
export async function stripeSetup(
  args: string[],
  { env = process.env, stackFolder = '.stack', ...to }: Surroundings = {},
): Promise<number> {
  const { say = console.log, complain = console.error } = to
  let account: Account | undefined
  try {
    const options = readOptions(args)
    if (options.help) {
      say(USAGE)
      return 0
    }
    const { file, write } = options
    // One that is to be written may be yet to be made.
    const readFile = existsSync(file) || !write
    const config = readCommandVars(file, { env, folder: stackFolder, readFile })
    account = accountOf(config, options)
    return await setUp(options, account, config, say)
  } catch (error) {
    complain(account ? explain(error, account) : explained(error))
    if (error instanceof UsageError) complain(`\n${USAGE}`)
    return 1
  }
}

async function setUp(
  options: Options,
  account: Account,
  config: CommandVars,
  say: (text: string) => void,
): Promise<number> {
  const { secretKey, apiBase } = account
  const stripe = connectStripe({ secretKey, apiBase })
  say(`${account.description}\n`)
  const plan = await planSetUp(stripe, { webhookUrl: options.webhookUrl })
  for (const { kind, what } of plan.items) say(`  ${kind.padEnd(6)}  ${what}`)
  if (!options.webhookUrl) say(`  skip    webhook endpoint: ${withoutUrl(account)}`)
  say('')
  const steps = options.dryRun ? [] : stepsOf(plan, { changes: options.yes })
  try {
    await runSteps(steps, ({ kind, what }, id) => {
      const name = what
        .split(/[:(]/)[0]
        ?.replace(/ https?$/, '')
        .trim()
      say(`  ${kind === 'create' ? 'created' : 'changed'}  ${name}: ${id}`)
    })
    if (steps.length > 0) say('')
  } finally {
    // A step that failed later must not cost the secret, which Stripe shows this once.
    await tellVariables(stripe, plan, { options, account, config, say })
  }
  return conclude(plan, steps.length, { ...options, local: account.local }, say)
}

function withoutUrl({ local }: Account): string {
  return local
    ? 'none without --url; the Worker of `npm run dev` has one already'
    : `none without --url https://your-worker.example.com. For a Worker on this machine run ${LISTEN}: it prints the secret for ${SECRET}`
}

function conclude(
  { items, endpoint }: Plan,
  done: number,
  { yes, dryRun, local }: Options & { local: boolean },
  say: (text: string) => void,
): number {
  const steps = items.filter(isStep)
  if (dryRun) {
    say(`Nothing was changed, as --dry-run asks; ${steps.length || 'nothing'} to do.`)
    return 0
  }
  if (endpoint.secret && !local) {
    say(
      `Set ${SECRET} now: until then the Worker refuses events, and Stripe sends them again for up to three days.`,
    )
  }
  const held = yes ? 0 : steps.filter(({ kind }) => kind === 'change').length
  if (held > 0) {
    say(
      `What is marked "change" exists and differs: it was left as it is (${held}). Run this again with --yes to change it.`,
    )
  }
  if (done > 0) say(`${done} done.`)
  else if (held === 0) say('Nothing to change.')
  return held > 0 ? 2 : 0
}
