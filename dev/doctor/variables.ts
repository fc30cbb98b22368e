// Each variable of the Worker by itself, and those that contradict each other.
import { VARIABLE_NAMES } from '../../src/env.ts'
import { isLoopback } from '../loopback.ts'
import type { Finding } from './finding.ts'
import { goesAstray, isLive, type Patient } from './patient.ts'

/** Shown where they are defaults; anything else may be a secret. */
const SHOWN = /_(DAYS|SECONDS|MS|POLICY)$/
const STANDS_FOR: Readonly<Record<string, string>> = {
  UPSTASH_REDIS_REST_URL: 'REDIS_HOST',
  UPSTASH_REDIS_REST_TOKEN: 'REDIS_PASSWORD',
}

export function checkVariables(patient: Patient): Finding[] {
  return [...firstSteps(patient), ...eachVariable(patient), ...contradictions(patient)]
}

function firstSteps({ vars }: Patient): Finding[] {
  if (Object.keys(vars).length > 0) return []
  const says = 'none: no variable is set, there is no .dev.vars, and no local stack runs'
  const todo =
    'to try it: `npm run dev` in another terminal, then this again. To deploy: copy .dev.vars.example to .dev.vars, put DATABASE_URL, UPSTASH_REDIS_REST_URL and _TOKEN, JWT_SECRET_KEY and the STRIPE_ keys into it, then `npm run db:migrate` and `npm run stripe:setup`'
  return [{ level: 'fail', item: 'Configuration', says, todo }]
}

function eachVariable({ vars, values, problems, sources, file }: Patient): Finding[] {
  return VARIABLE_NAMES.flatMap((name): Finding[] => {
    const from = sources[name] ?? sources[STANDS_FOR[name] ?? '']
    const wrong = problems.filter((problem) => problem.name === name)
    if (wrong.length > 0) {
      const todo = from
        ? `correct it in the ${from === 'file' ? `file ${file}` : from}`
        : `${sourceOf(name)}set it in ${file}; for production: wrangler secret put ${name}`
      return wrong.map(({ reason }) => ({ level: 'fail', item: name, says: reason, from, todo }))
    }
    const alias = vars[name] ? '' : `, as ${STANDS_FOR[name]}`
    if (from) return [{ level: 'ok', item: name, says: `set${alias}`, from }]
    const standard = SHOWN.test(name) ? `: ${values[name]} is the default` : ' (optional)'
    return [{ level: 'ok', item: name, says: `not set${standard}` }]
  })
}

/** Where a value that is missing is to be had. */
function sourceOf(name: string): string {
  return name.startsWith('STRIPE_PRICE_ID_')
    ? '`npm run stripe:setup` prints it; '
    : (WHERE[name] ?? '')
}

const MAKE = 'make one with: openssl rand -base64 48; '
const WHERE: Readonly<Record<string, string>> = {
  DATABASE_URL: 'copy it from Connect in the Neon console; ',
  UPSTASH_REDIS_REST_URL: 'copy it from REST API in the Upstash console; ',
  UPSTASH_REDIS_REST_TOKEN: 'copy it from REST API in the Upstash console; ',
  STRIPE_SECRET_KEY: 'copy it from https://dashboard.stripe.com/apikeys; ',
  STRIPE_PUBLISHABLE_KEY: 'copy it from https://dashboard.stripe.com/apikeys; ',
  STRIPE_WEBHOOK_SECRET: '`npm run stripe:setup` or `npx @stripe/cli listen` prints it; ',
  JWT_SECRET_KEY: MAKE,
  ORIGIN_SIGNING_SECRET: MAKE,
}

interface Rule {
  level: 'warn' | 'fail'
  item: string
  /** The variable whose source is shown. */
  of: string
  holds: boolean
  says: string
  todo: string
}

function contradictions({ values, sources }: Patient): Finding[] {
  const { STRIPE_SECRET_KEY: key, STRIPE_PUBLISHABLE_KEY: publishable } = values
  const { DATABASE_URL: database, UPSTASH_REDIS_REST_URL: redis, ORIGIN_URL: origin } = values
  const previous = (['JWT_SECRET_KEY', 'API_KEY_SECRET'] as const).flatMap((name): Rule[] => {
    const [now, before] = [values[name], values[`${name}_PREVIOUS`]]
    const of = `${name}_PREVIOUS`
    const rule = { level: 'warn' as const, item: of, of }
    const todo = `finish it as the README tells, then: npx wrangler secret delete ${of} --env production`
    return [
      {
        ...rule,
        holds: before !== undefined && before !== now,
        says: `a rotation of ${name} is under way: what the previous one signed is accepted too`,
        todo,
      },
      {
        ...rule,
        holds: before !== undefined && before === now,
        says: `is the same as ${name}: nothing is rotated`,
        todo: 'set it to the other secret, or remove it',
      },
    ]
  })
  const mode = (of: string) => (isLive(of) ? 'live' : 'test')
  const rules: Rule[] = [
    ...previous,
    {
      level: 'fail',
      item: 'Stripe keys',
      of: 'STRIPE_PUBLISHABLE_KEY',
      holds: Boolean(key && publishable && isLive(key) !== isLive(publishable)),
      says: `STRIPE_SECRET_KEY is a ${mode(key ?? '')} key, STRIPE_PUBLISHABLE_KEY a ${mode(publishable ?? '')} one`,
      todo: 'take both from the same mode: https://dashboard.stripe.com/apikeys',
    },
    {
      level: 'fail',
      item: 'Stripe key and endpoint',
      of: 'STRIPE_API_BASE',
      holds: goesAstray(values),
      says: 'a live key would be sent to STRIPE_API_BASE, which is not Stripe; it was not sent',
      todo: 'remove STRIPE_API_BASE, or use a test key with it',
    },
    {
      level: 'warn',
      item: 'Live key, local database',
      of: 'DATABASE_URL',
      holds: Boolean(isLive(key) && database && isLoopback(database)),
      says: 'STRIPE_SECRET_KEY takes real money, and DATABASE_URL is of this machine',
      todo: 'use a test key here, or the deployed database',
    },
    {
      level: 'warn',
      item: 'Live key, local origin',
      of: 'ORIGIN_URL',
      holds: Boolean(isLive(key) && origin && isLoopback(origin)),
      says: 'STRIPE_SECRET_KEY takes real money, and ORIGIN_URL is of this machine',
      todo: 'set ORIGIN_URL to the API that customers pay for',
    },
    {
      level: 'warn',
      item: 'Database and Redis',
      of: 'UPSTASH_REDIS_REST_URL',
      holds: Boolean(database && redis && isLoopback(database) !== isLoopback(redis)),
      says: 'one of them is of this machine, the other is not: usage of other accounts would be counted there',
      todo: 'take both of one deployment',
    },
    {
      level: 'warn',
      item: 'Redis without TLS',
      of: 'UPSTASH_REDIS_REST_URL',
      holds: Boolean(redis?.startsWith('http:') && !isLoopback(redis)),
      says: 'the token travels in the clear',
      todo: 'use https',
    },
  ]
  return rules.flatMap(({ holds, of, ...finding }) =>
    holds ? [{ ...finding, from: sources[of] ?? sources[STANDS_FOR[of] ?? ''] }] : [],
  )
}
