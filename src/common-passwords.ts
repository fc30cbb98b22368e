// Passwords that are guessed first: those used most anywhere, those made of what a guesser knows of this account, and
// those that a rule makes. Sources: NIST SP 800-63B-4, 3.1.1.2 (blocklist); OWASP ASVS 5, 6.2.4 and 6.2.11.
import { COMMON_PASSWORDS } from './common-passwords-list.ts'
import { normalizedPassword } from './password.ts'
import { isPattern } from './password-patterns.ts'
import { Problem } from './problem.ts'

/** What people here would think of: the service. */
const SERVICE = 'tollgate'
/** "2026!" behind a word makes it no secret: so many digits and signs are looked past. */
const MOST_BEHIND = 6
const ENDING = /[\d!-/:-@[-`{-~]+$/
/** "welcome1" is in the list, and so "welcome" is known with an ending. What is shorter is no word. */
const SHORTEST_WORD = 6
/** What is shorter is not all of a password, and may well be one step. */
const SHORTEST_PATTERN = 8

/** For a new password, sent in the field `path`. @throws Problem invalid_request */
export function refuseCommonPassword(password: string, email: string, path = 'password'): void {
  if (!isCommonPassword(password, email)) return
  const message =
    'is among the first that a guesser tries: use several words that belong to you alone, or let a password manager make one'
  throw new Problem('invalid_request', { members: { errors: [{ path, message }] } })
}

/** Whether `password` is among the first that a guesser tries for the account of `email`. */
export function isCommonPassword(password: string, email: string): boolean {
  const own = wordsOf(fold(email))
  const { passwords, words } = mostUsed()
  let base = fold(password)
  for (let behind = 0; behind <= MOST_BEHIND; behind += 1) {
    if (own.has(base) || passwords.has(base) || (behind > 0 && words.has(base))) return true
    if (base.length >= SHORTEST_PATTERN && isPattern(base)) return true
    if (!ENDING.test(base)) return false
    base = base.slice(0, -1)
  }
  return false
}

/** One form for all spellings of it, as the list has it. */
function fold(text: string): string {
  return normalizedPassword(text).toLowerCase()
}

/** The email, a part or a word of it, and the service. */
function wordsOf(email: string): Set<string> {
  const [local = '', domain = ''] = email.split('@')
  const words = [email, local, domain, ...domain.split('.'), ...email.split(/[@._+-]/)]
  return new Set([...words, SERVICE])
}

interface MostUsed {
  passwords: Set<string>
  /** Those of them that have an ending, without it. */
  words: Set<string>
}
let known: MostUsed | undefined

/** Decoded when somebody first asks: most isolates never see a new password. */
function mostUsed(): MostUsed {
  if (known) return known
  const [passwords, words] = [new Set<string>(), new Set<string>()]
  let before = ''
  for (const [, letter = '', rest = ''] of COMMON_PASSWORDS.matchAll(/([A-Z])([^A-Z]*)/g)) {
    before = before.slice(0, letter.charCodeAt(0) - 65) + rest
    passwords.add(before)
    const word = before.replace(ENDING, '')
    if (word !== before && word.length >= SHORTEST_WORD) words.add(word)
  }
  known = { passwords, words }
  return known
}
