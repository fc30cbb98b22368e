// Those who try: each attempt at a password or an email is counted by account, by network and by both, and waits that
// grow stand between them. Redis keeps the counts, under keyed digests; while it is away the platform's limiters stand
// alone.
import type { Deps } from '../context.ts'
import { errorFields } from '../log.ts'
import { digestOf, networkOf, siteOf, throttlePair, tooManyAttempts } from '../throttle.ts'
import {
  type Allowance,
  ENTER_SCRIPT,
  FORGET_SCRIPT,
  LEAVE_SCRIPT,
  NETWORK,
  SITE,
} from './attempts-lua.ts'
import { failed, isOpen, succeeded, trialIsDue } from './breaker.ts'
import { isAboutThis } from './exchange.ts'

type Doors = Pick<Deps, 'config' | 'limiters' | 'redis' | 'memory' | 'now' | 'log'>

/** Who tries: from which address, as the platform tells it, and with which account's email. */
export interface Caller {
  address: string | undefined
  email: string
}

/** Where an attempt is counted. */
interface Places {
  /** What the account knows the caller's network by. */
  network: string
  networks: { key: string; allowance: Allowance }[]
  pair: string
  account: string
  known: string
  /** Whom the network let past, while it waited. */
  passes: string
}

/**
 * Lets `check` look at a password of the account, known to us or not, unless there is a wait: then nothing is hashed,
 * right or wrong. A check that throws has found nothing out, and is not counted.
 * @throws Problem too_many_attempts
 */
export async function tryPassword<T>(
  doors: Doors,
  caller: Caller,
  check: () => Promise<T>,
  isWrong: (outcome: T) => boolean,
): Promise<T> {
  const places = placesOf(doors, caller)
  await throttlePair(doors, places.pair)
  const counted = await enter(doors, places, accountKeys(places))
  const outcome = await takingBack(doors, places, counted, check)
  if (!isWrong(outcome)) await leave(doors, places, counted, 'right')
  return outcome
}

/**
 * Lets `create` say whether the email is taken, unless there is a wait. Whoever asks learns something either way, so
 * each attempt counts for the network; it is then known to the account that it made.
 * @throws Problem too_many_attempts
 */
export async function trySignUp<T>(
  doors: Doors,
  caller: Caller,
  create: () => Promise<T>,
  isTaken: (outcome: T) => boolean,
): Promise<T> {
  const places = placesOf(doors, caller)
  await throttlePair(doors, places.pair)
  const counted = await enter(doors, places, [])
  const outcome = await takingBack(doors, places, counted, create)
  if (!isTaken(outcome)) await leave(doors, places, NOT_COUNTED, 'right')
  return outcome
}

/** Forgets where an email was logged in from that is no account's any more. The rest is gone within a day. */
export async function forgetAttempts(doors: Doors, email: string): Promise<void> {
  const { account, known } = placesOf(doors, { address: undefined, email })
  await ask(doors, FORGET_SCRIPT, [known, account], [''])
}

/** Forgets where else the account was logged in from: who knew its password, or had its token, may have been there. */
export async function forgetElsewhere(doors: Doors, caller: Caller): Promise<void> {
  const { network, known } = placesOf(doors, caller)
  await ask(doors, FORGET_SCRIPT, [known], [network])
}

/** What counted the attempt, as Redis said: the pair, the account, the passes, then the networks. */
type Counted = readonly string[]
const NOT_COUNTED: Counted = []

const accountKeys = ({ pair, account, known, passes }: Places) => [pair, account, known, passes]

function placesOf(doors: Doors, { address, email }: Caller): Places {
  // Emails are ASCII (credentials.ts) and compared without regard to case.
  const account = email.toLowerCase()
  const [network, site] = [networkOf(address), siteOf(address)]
  const digest = (kind: string, ...parts: string[]) => digestOf(doors, kind, ...parts)
  const place = (kind: string, ...parts: string[]) =>
    `tollgate:attempts:1:${kind}:${digest(kind, ...parts)}`
  const networks = [{ key: place('network', network), allowance: NETWORK }]
  if (site) networks.push({ key: place('site', site), allowance: SITE })
  return {
    network: digest('known', account, network),
    networks,
    pair: place('pair', account, network),
    account: place('account', account),
    known: place('known', account),
    passes: place('passes', network),
  }
}

/** Counts the attempt. @throws Problem too_many_attempts */
async function enter(doors: Doors, places: Places, account: string[]): Promise<Counted> {
  const { networks, network } = places
  const keys = [...networks.map(({ key }) => key), ...account]
  const allowances = networks.flatMap(({ allowance: { free, forgetMs } }) => [free, forgetMs])
  const reply = await ask(doors, ENTER_SCRIPT, keys, [networks.length, network, ...allowances])
  if (!Array.isArray(reply)) return NOT_COUNTED
  const [waitMs, ...counted] = reply.map(String)
  if (Number(waitMs) > 0) throw tooManyAttempts(Math.ceil(Number(waitMs) / 1000))
  return counted
}

/** What `work` gives; where it fails, the attempt was none. */
async function takingBack<T>(
  doors: Doors,
  places: Places,
  counted: Counted,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (counted.length > 0) await leave(doors, places, counted, 'undone')
    throw error
  }
}

async function leave(
  doors: Doors,
  places: Places,
  [pair = '', account = '', passes = '', ...readies]: Counted,
  how: 'right' | 'undone',
): Promise<void> {
  const { networks, network } = places
  const keys = [...networks.map(({ key }) => key), ...accountKeys(places)]
  const rest = networks.flatMap(({ allowance }, i) => [allowance.forgetMs, readies[i] ?? ''])
  await ask(doors, LEAVE_SCRIPT, keys, [
    networks.length,
    network,
    how,
    pair,
    account,
    passes,
    ...rest,
  ])
}

/** What Redis says, or null while it is away: an attempt is never refused for that. */
async function ask(
  { redis, memory, now, log }: Doors,
  script: string,
  keys: string[],
  args: (string | number)[],
): Promise<unknown> {
  const at = now().getTime()
  if (isOpen(memory.redis) && !trialIsDue(memory.redis, at)) {
    log('warn', 'attempts_not_counted', { reason: 'redis_is_away' })
    return null
  }
  try {
    const reply = await redis.evaluate(script, keys, [String(at), ...args.map(String)])
    succeeded(memory.redis)
    return reply
  } catch (error) {
    if (!isAboutThis(error)) failed(memory.redis, now().getTime())
    log('warn', 'attempts_not_counted', errorFields(error))
    return null
  }
}
