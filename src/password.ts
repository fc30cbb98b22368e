// Passwords at rest: scrypt, its parameters in the stored string (PHC format), so that they can be raised later.
// Source: OWASP Password Storage Cheat Sheet (N=2^14, r=8, p=5); RFC 7914.
import { scrypt } from 'node:crypto'
import { equalBytes, type RandomBytes } from './crypto.ts'

export interface Parameters {
  /** log2 of the cost N. */
  ln: number
  r: number
  p: number
}

/** May be raised: whoever logs in is hashed anew. Not lowered: an older hash would take longer than nobody's. */
const CURRENT: Parameters = { ln: 14, r: 8, p: 5 }
const SALT_BYTES = 16
const HASH_BYTES = 32
const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

/** A PHC string of `password`: `$scrypt$ln=14,r=8,p=5$salt$hash`. */
export async function hashPassword(password: string, random: RandomBytes): Promise<string> {
  const salt = random(SALT_BYTES)
  return format(CURRENT, salt, await derive(password, salt, CURRENT, HASH_BYTES))
}

export type PasswordCheck = { matches: false } | { matches: true; outdated: boolean }

/** Whether `password` is the one of `stored`; `outdated` when it should be hashed anew. */
export async function checkPassword(password: string, stored: string): Promise<PasswordCheck> {
  const match = PHC.exec(stored)
  if (!match) throw new Error('A stored password hash is not a PHC string of scrypt')
  const [, ln, r, p, salt = '', hash = ''] = match
  const parameters = { ln: Number(ln), r: Number(r), p: Number(p) }
  const expected = Buffer.from(hash, 'base64')
  const actual = await derive(password, Buffer.from(salt, 'base64'), parameters, expected.length)
  if (!equalBytes(actual, expected)) {
    // Cheaper parameters would tell an account that has them from an email that has none.
    for (const rest of missingWork(parameters)) await derive(password, SALT, rest, HASH_BYTES)
    return { matches: false }
  }
  const outdated =
    parameters.ln !== CURRENT.ln || parameters.r !== CURRENT.r || parameters.p !== CURRENT.p
  return { matches: true, outdated }
}

const SALT = new Uint8Array(SALT_BYTES)

/** What an unknown email is checked against, so that it takes as long as a wrong password. Nothing matches it. */
export const NOBODYS_HASH = format(CURRENT, SALT, new Uint8Array(HASH_BYTES))

/** What is to be done beside a hash with `older` parameters, so that both together cost what one of today's does. */
export function missingWork(older: Parameters, current: Parameters = CURRENT): Parameters[] {
  const step = ({ ln, r }: Parameters) => 2 ** ln * r
  const missing = step(current) * current.p - step(older) * older.p
  const whole = Math.max(0, Math.floor(missing / step(current)))
  const rest = Math.round((missing - whole * step(current)) / step(older))
  return [
    { ...current, p: whole },
    { ...older, p: rest },
  ].filter(({ p }) => p > 0)
}

/** NFKC, so that the same password typed on another keyboard is the same bytes (NIST SP 800-63B-4, 3.1.1.2). */
export function normalizedPassword(password: string): string {
  return password.normalize('NFKC')
}

function derive(
  password: string,
  salt: Uint8Array,
  { ln, r, p }: Parameters,
  length: number,
): Promise<Uint8Array> {
  const N = 2 ** ln
  const maxmem = 256 * N * r
  return new Promise((resolve, reject) => {
    scrypt(normalizedPassword(password), salt, length, { N, r, p, maxmem }, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}

function format({ ln, r, p }: Parameters, salt: Uint8Array, hash: Uint8Array): string {
  const encode = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '')
  return `$scrypt$ln=${ln},r=${r},p=${p}$${encode(salt)}$${encode(hash)}`
}
