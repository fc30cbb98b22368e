// Passwords that are guessed first: those used most anywhere, those made of what a guesser knows of this account, and
// those that a rule makes. Sources: NIST SP 800-63B-4, 3.1.1.2 (blocklist); OWASP ASVS 5, 6.2.4 and 6.2.11.
import { COMMON_PASSWORDS } from './common-passwords-list.ts'
import { normalizedPassword } from './password.ts'
import { isPattern } from './password-patterns.ts'
import { Problem } from './problem.ts'

/** What people here would think of: the service. */
const SERVICE = 'tollgate'
/** "2026!" behind a name makes it no secret. */
const ENDING = /[\d!-/:-@[-`{-~]{1,6}$/

/** For a new password, sent in the field `path`. @throws Problem invalid_request */
export function refuseCommonPassword(password: string, email: string, path = 'password'): void {
  if (!isCommonPassword(password, email)) return
  const message =
    'is among the first that a guesser tries: use several words that belong to you alone, or let a password manager make one'
  throw new Problem('invalid_request', { members: { errors: [{ path, message }] } })
}

/** Whether `password` is among the first that a guesser tries for the account of `email`. */
export function isCommonPassword(password: string, email: string): boolean {
  const folded = fold(password)
  return mostUsed().has(folded) || isMadeOf(folded, fold(email)) || isPattern(folded)
}

/** One form for all spellings of it, as the list has it. */
function fold(text: string): string {
  return normalizedPassword(text).toLowerCase()
}

/** The email, a part or a word of it, or the service: as it is, or with a few digits and signs behind it. */
function isMadeOf(folded: string, email: string): boolean {
  const [local = '', domain = ''] = email.split('@')
  const words = [email, local, domain, ...domain.split('.'), ...email.split(/[@._+-]/)]
  const known = new Set([...words, SERVICE])
  return known.has(folded) || known.has(folded.replace(ENDING, ''))
}

let known: Set<string> | undefined

/** Decoded when somebody first asks: most isolates never see a new password. */
function mostUsed(): Set<string> {
  if (known) return known
  known = new Set()
  let before = ''
  for (const [, letter = '', rest = ''] of COMMON_PASSWORDS.matchAll(/([A-Z])([^A-Z]*)/g)) {
    before = before.slice(0, letter.charCodeAt(0) - 65) + rest
    known.add(before)
  }
  return known
}
