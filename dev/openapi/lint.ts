// `npm run check:openapi`: the document against the rules of Spectral for OpenAPI, and of OWASP for APIs. What it breaks
// on purpose stands here with its reason; a reason that nothing needs any more is an error too.
import { readFileSync } from 'node:fs'
import core from '@stoplight/spectral-core'
import owasp from '@stoplight/spectral-owasp-ruleset'
import rulesets from '@stoplight/spectral-rulesets'
import { DOCUMENT_FILE } from './document.ts'

/** What a rule finds. */
export interface Finding {
  rule: string
  /** With slashes, from the document's root. */
  path: string
  message: string
}

/** Findings of a rule that are meant, by their path. */
interface Exception {
  rule: string
  at: RegExp
  reason: string
}

const PUBLIC = '^paths//(auth/|billing/plans|datasets(/(estimate|\\w+_\\w+))?/|health|openapi.json)'

export const EXCEPTIONS: readonly Exception[] = [
  {
    rule: 'owasp:api2:2023-write-restricted',
    at: /^paths\/\/(auth\/(register|login)|datasets\/estimate)\/post/,
    reason: 'Who has no account yet gets one there; an estimate changes nothing.',
  },
  {
    rule: 'owasp:api2:2023-read-restricted',
    at: new RegExp(PUBLIC),
    reason: 'What is sold, and whether it runs, is for everybody.',
  },
  {
    rule: 'owasp:api8:2023-define-error-responses-401',
    at: new RegExp(PUBLIC),
    reason: 'Nothing is asked for there that could be wrong.',
  },
  {
    rule: 'owasp:api8:2023-define-error-responses-401',
    at: /^paths\/\/billing\/webhooks\/stripe\/post/,
    reason: 'A wrong signature is 400, as Stripe says.',
  },
  {
    rule: 'owasp:api4:2023-rate-limit',
    at: /^paths\/\/(?!datasets\/generate\/post\/responses\/200)/,
    reason: 'What is not paid for has no quota; what is refused is not taken from it.',
  },
  {
    rule: 'owasp:api4:2023-rate-limit-responses-429',
    at: /^paths\/\/(account\/(get|sessions)|keys(\/\{id\})?\/get|billing\/(plans|subscription|usage|webhooks)|datasets\/(?!generate)|health|openapi.json)/,
    reason: 'These are not throttled by us: none of them answers 429.',
  },
  {
    rule: 'owasp:api8:2023-define-error-validation',
    at: /\/(get|delete)\/responses$/,
    reason: 'They take no input but an id, and an unknown one is 404.',
  },
  {
    rule: 'owasp:api8:2023-define-error-responses-500',
    at: /^paths\/\/health\/get/,
    reason: 'It asks nothing that could fail.',
  },
  {
    rule: 'owasp:api4:2023-string-limit',
    at: /(StripeEvent|webhooks\/stripe\/.*)\/properties\/(type|id|api_version)/,
    reason: 'Their patterns bound them.',
  },
  {
    rule: 'owasp:api4:2023-string-limit',
    at: /\/expires_at\//,
    reason: 'Its pattern bounds it but for the digits of a fraction, and those the body does.',
  },
  {
    rule: 'owasp:api4:2023-string-restricted',
    at: /(Rename|NewKey|keys.*)\/properties\/name$/,
    reason:
      'A name is free text: src refuses characters by class, which a pattern cannot say for every reader.',
  },
  {
    rule: 'owasp:api4:2023-string-restricted',
    at: /\/errors\/items\/properties\/(path|message)$/,
    reason: 'They name what was sent, whatever that was.',
  },
  {
    rule: 'oas3-unused-component',
    at: /^components\/schemas\/(MethodNotAllowed|OriginUnavailable|OriginTimeout)Problem$/,
    reason: 'Answers of paths and methods that are no operation of this document.',
  },
]

/** Everything that the rules find in a document's text. */
export async function findingsIn(text: string): Promise<Finding[]> {
  const spectral = new core.Spectral()
  spectral.setRuleset(new core.Ruleset({ extends: [rulesets.oas, owasp] }))
  const results = await spectral.run(text)
  return results.map(({ code, path, message }) => ({
    rule: String(code),
    path: path.join('/'),
    message,
  }))
}

/** What is wrong: findings that nobody meant, and exceptions that nothing needs. */
export function faultsOf(findings: readonly Finding[]): string[] {
  const excuses = (exception: Exception, { rule, path }: Finding) =>
    exception.rule === rule && exception.at.test(path)
  const found = findings.filter((each) => !EXCEPTIONS.some((one) => excuses(one, each)))
  const idle = EXCEPTIONS.filter((one) => !findings.some((each) => excuses(one, each)))
  return [
    ...found.map(({ rule, path, message }) => `${path}: ${message} (${rule})`),
    ...idle.map(({ rule, at }) => `No finding of ${rule} at ${at}: take the exception away.`),
  ]
}

if (import.meta.main) {
  const faults = faultsOf(await findingsIn(readFileSync(DOCUMENT_FILE, 'utf8')))
  for (const fault of faults) console.error(fault)
  if (faults.length > 0) process.exitCode = 1
}
