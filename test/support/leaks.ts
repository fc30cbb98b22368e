// What the Worker wrote into its log during a test file, and the secrets that were about: none may be found in it.
import { env } from 'cloudflare:test'
import { expect } from 'vitest'

/** Whatever looks like one is one, whether or not anybody knows it. Not those of log.ts: these look for what those miss. */
const LOOKS_SECRET: Readonly<Record<string, RegExp>> = {
  'an API key': /tg_(live|test)_[0-9A-Za-z]/,
  'a token': /eyJ[\w-]{5,}/,
  'a bearer': /bearer [^[]/i,
  'a key of Stripe’s': /\b[prs]k_(live|test)_\w/,
  'a webhook secret': /whsec_\w/,
  'a connection string': /\b(postgres(ql)?|rediss?):\/\//,
  'a URL with a password': /:\/\/[^\s"/@]*:[^\s"/@]*@/,
  'an email': /[\w.+-]+(@|%40)[\w-]+\.[a-z]{2,}/i,
}

/** Of the Worker's variables: what is a secret by its name. Shorter values are words that may stand anywhere. */
const SECRET_VARIABLE = /SECRET|TOKEN|PASSWORD|DATABASE_URL|STRIPE_\w*KEY/
const SHORTEST = 8

const lines: string[] = []
const secrets = new Map<string, string>()

/** A line of the log, as it would be written. */
export function keepLine(line: string): void {
  lines.push(line)
}

/** What a request's body and its answer hold of secrets: what was sent as a password, and what the app gave away. */
export function keepSecretsOf(body: unknown, answer: unknown): void {
  for (const [name, value] of [...membersOf(body), ...membersOf(answer)]) {
    if (/password|token|api_key|^key$|email/.test(name)) keepSecret(name, value)
  }
}

/** A secret that the tests know of. */
export function keepSecret(name: string, value: unknown): void {
  if (typeof value === 'string' && value.length >= SHORTEST) secrets.set(value, name)
}

function membersOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

/** Forgets what another file left behind: they share this module. */
export function startKeeping(): void {
  lines.length = 0
  secrets.clear()
  for (const [name, value] of Object.entries(env)) {
    if (SECRET_VARIABLE.test(name)) keepSecret(name, value)
  }
}

/** What the kept lines leak, each as what it is and the line; [] where they do not. */
export function leaks(): string[] {
  const found: string[] = []
  const whole = lines.join('\n')
  // Each secret in all lines at once: there are some thousand of both.
  for (const [value, name] of secrets) {
    const quoted = JSON.stringify(value).slice(1, -1)
    for (const form of new Set([value, quoted, encodeURIComponent(value.toWellFormed())])) {
      if (whole.includes(form)) {
        found.push(`${name}: ${lines.find((line) => line.includes(form))}`)
      }
    }
  }
  for (const [what, pattern] of Object.entries(LOOKS_SECRET)) {
    if (!pattern.test(whole)) continue
    for (const line of lines) if (pattern.test(line)) found.push(`${what}: ${line}`)
  }
  return found
}

/** @throws where one does */
export function expectNoLeaks(): void {
  expect(leaks(), 'secrets in the log').toEqual([])
}
