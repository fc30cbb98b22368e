// What a check has found, and the line that it prints.
import type { CommandVars } from '../command-vars.ts'

/** `skip`: what it needs is missing or wrong, and another line says so. */
export type Level = 'ok' | 'warn' | 'fail' | 'skip'

export interface Finding {
  level: Level
  /** What was checked. */
  item: string
  says: string
  /** Where the value came from. */
  from?: string | undefined
  /** What to do about it. */
  todo?: string | undefined
}

const ITEM_WIDTH = 30

/** One line, without any secret. */
export function lineOf({ level, item, says, from, todo }: Finding, hide = (text: string) => text) {
  const source = from ? ` [${from}]` : ''
  const remedy = todo ? ` -> ${todo}` : ''
  const text = hide(`${says}${source}${remedy}`.replaceAll(/\s+/g, ' '))
  return `${level.padEnd(5)} ${item.padEnd(ITEM_WIDTH)} ${text}`
}

const SECRETS =
  /^(JWT_SECRET_KEY(_PREVIOUS)?|API_KEY_SECRET(_PREVIOUS)?|STRIPE_(SECRET_KEY|WEBHOOK_SECRET)|UPSTASH_REDIS_REST_TOKEN|REDIS_PASSWORD|ORIGIN_SIGNING_SECRET|DATABASE_URL)$/
/** Shorter ones would be found in every other word; no check repeats a value. */
const LEAST_LENGTH = 6

/** A second wall: what a service answers may repeat what it was sent. */
export function hiderOf(vars: CommandVars['vars']): (text: string) => string {
  const urls = Object.values(vars).flatMap((value) => (URL.canParse(value) ? [new URL(value)] : []))
  const passwords = urls.flatMap(({ password }) => [password, decoded(password)])
  const secrets = Object.entries(vars).flatMap(([name, value]) => (SECRETS.test(name) ? value : []))
  const hidden = [...secrets, ...passwords]
    .filter((value) => value.length >= LEAST_LENGTH)
    .sort((a, b) => b.length - a.length)
  return (text) =>
    hidden
      .reduce((shown, value) => shown.replaceAll(value, '[hidden]'), text)
      .replaceAll(/\b((sk|rk)_(test|live)|whsec)_[\w*]+/g, '$1_[hidden]')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
