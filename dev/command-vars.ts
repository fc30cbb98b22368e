// The configuration that a command works with (`doctor`, `stripe:setup`, `reconcile`, `stripe:replay`).
import { existsSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import type { Deps } from '../src/context.ts'
import { depsFor } from '../src/deps.ts'
import { type Config, VARIABLE_ALIASES, VARIABLE_NAMES } from '../src/env.ts'
import type { Log } from '../src/log.ts'
import { UsageError } from './command-errors.ts'
import { isLoopback } from './loopback.ts'
import { announcedIn } from './stack-file.ts'
import { varsBeside, workerVars } from './worker-vars.ts'

export interface CommandVars {
  /** By name, each from the first place that has it: the environment, the file, the local stack that runs. */
  vars: Record<string, string>
  /** Where each came from. */
  sources: Record<string, 'environment' | 'file' | 'local stack'>
  /** The file that was read, or would be written. */
  file: string
}

/**
 * Reads the variables as `npm run dev` does, and the environment before them.
 * @param file `.dev.vars`, or another of its form: one for each deployment
 * @param folder of the local stack
 * @param readFile false: the file is yet to be written
 * @throws Error when a file other than `.dev.vars` is named and does not exist
 */
export function readCommandVars(
  file = '.dev.vars',
  {
    folder = '.stack',
    env = process.env,
    readFile = true,
  }: { folder?: string; env?: NodeJS.Dict<string>; readFile?: boolean } = {},
): CommandVars {
  if (readFile && file !== '.dev.vars' && !existsSync(file)) {
    throw new Error(`There is no file ${file}.`)
  }
  const fromFile = readFile && existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}
  const own: Record<string, string> = {}
  const sources: CommandVars['sources'] = {}
  for (const name of [...VARIABLE_NAMES, ...VARIABLE_ALIASES]) {
    for (const [source, values] of [['environment', env] as const, ['file', fromFile] as const]) {
      const value = values[name]?.trim()
      if (!value || name in own) continue
      own[name] = value
      sources[name] = source
    }
  }
  const info = announcedIn(folder)
  const fromStack = info ? varsBeside(own, workerVars(info)) : {}
  for (const name of Object.keys(fromStack)) sources[name] = 'local stack'
  return { vars: { ...fromStack, ...own }, sources, file }
}

/**
 * Refuses what was mixed up, as a part of it comes from the environment and the rest from elsewhere.
 * @throws UsageError
 */
function demandOneWorld({ databaseUrl, stripe }: Config): void {
  const { apiBase, secretKey } = stripe
  if (!apiBase) return
  if (isLoopback(apiBase) && !isLoopback(databaseUrl)) {
    throw new UsageError(
      'The database is not on this machine, but Stripe is the local simulator, which knows none of its customers: set STRIPE_SECRET_KEY and the other STRIPE_ variables beside DATABASE_URL (--vars FILE).',
    )
  }
  if (secretKey.includes('_live_')) {
    throw new UsageError(
      `A live key is sent to Stripe alone, not to ${apiBase.host}: unset STRIPE_API_BASE, or use a test key.`,
    )
  }
}

/**
 * What the Worker is built of, in Node: a command is nobody's caller, so that no rate limit meets it.
 * @throws ConfigError, UsageError
 */
export function commandDeps(vars: Readonly<Record<string, string>>, log: Log): Deps {
  const unlimited = { limit: async () => ({ success: true }) }
  const limiters = {
    AUTH_ADDRESS_LIMIT: unlimited,
    AUTH_ACCOUNT_LIMIT: unlimited,
    BILLING_LIMIT: unlimited,
    TIER_HOBBY_LIMIT: unlimited,
    TIER_RESEARCH_LIMIT: unlimited,
    TIER_PRO_LIMIT: unlimited,
  }
  const deps = depsFor({ ...vars, ...limiters })
  demandOneWorld(deps.config)
  return { ...deps, log }
}
