// Ids as Stripe writes them: a prefix for the kind, then base62.
import { randomBytes } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Random characters of base62. */
export function base62(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      // 248 is the largest multiple of 62 in a byte: above it the distribution would be skewed.
      if (byte < 248 && text.length < length) text += ALPHABET[byte % 62]
    }
  }
  return text
}

/** `cus_`, `prod_`, `si_`, … are followed by 14 characters; most other kinds by `1` and 23. */
export function newId(prefix: string): string {
  if (prefix === 'cus' || prefix === 'prod' || prefix === 'si') return `${prefix}_${base62(14)}`
  if (prefix === 'req') return `req_${base62(14)}`
  if (prefix === 'cs_test') return `cs_test_a1${base62(56)}`
  if (prefix === 'pi' || prefix === 'ch' || prefix === 're') return `${prefix}_3${base62(23)}`
  return `${prefix}_1${base62(23)}`
}
