// What an API key is made of. A key proves itself: an HMAC tag over its ids, so that a made-up one dies
// without any look-up and the database holds neither keys nor hashes of them.
import { equalBytes, formatUuid, hmacSha256 } from './crypto.ts'

const PREFIX = 'tg_live_'
const VERSION = 1
const USER_ID_BYTES = 16
const KEY_ID_BYTES = 8
const TAG_BYTES = 16
const BODY_BYTES = 1 + USER_ID_BYTES + KEY_ID_BYTES
const PAYLOAD_BYTES = BODY_BYTES + TAG_BYTES
/** base62 digits that hold PAYLOAD_BYTES. */
const DIGITS = Math.ceil((PAYLOAD_BYTES * 8) / Math.log2(62))
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const FORMAT = new RegExp(`^${PREFIX}[0-9A-Za-z]{${DIGITS}}$`)

/** The ids inside a key: a UUID of the user and 16 hex digits of the key. */
export interface KeyIds {
  userId: string
  keyId: string
}

/** The secrets that keys are tagged with: the first mints, all prove (so that it can be rotated). */
export type KeySecrets = readonly [Uint8Array, ...Uint8Array[]]

/** The key of `ids`: always the same text for the same secret. */
export function mintApiKey(secrets: KeySecrets, ids: KeyIds): string {
  const body = new Uint8Array(BODY_BYTES)
  body[0] = VERSION
  body.set(Buffer.from(ids.userId.replaceAll('-', ''), 'hex'), 1)
  body.set(Buffer.from(ids.keyId, 'hex'), 1 + USER_ID_BYTES)
  return PREFIX + toBase62(Buffer.concat([body, tagOf(secrets[0], body)]))
}

/** The ids of a key that carries a tag of ours, or null for anything else. No I/O. */
export function proveApiKey(secrets: KeySecrets, text: string): KeyIds | null {
  if (!FORMAT.test(text)) return null
  const payload = fromBase62(text.slice(PREFIX.length))
  if (payload === null || payload[0] !== VERSION) return null
  const body = payload.subarray(0, BODY_BYTES)
  const tag = payload.subarray(BODY_BYTES)
  if (!secrets.some((secret) => equalBytes(tag, tagOf(secret, body)))) return null
  return {
    userId: formatUuid(body.subarray(1, 1 + USER_ID_BYTES)),
    keyId: Buffer.from(body.subarray(1 + USER_ID_BYTES)).toString('hex'),
  }
}

function tagOf(secret: Uint8Array, body: Uint8Array): Uint8Array {
  const message = Buffer.concat([Buffer.from(PREFIX), body])
  return hmacSha256(secret, message).subarray(0, TAG_BYTES)
}

function toBase62(bytes: Uint8Array): string {
  let rest = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  let text = ''
  for (let i = 0; i < DIGITS; i += 1) {
    text = ALPHABET.charAt(Number(rest % 62n)) + text
    rest /= 62n
  }
  return text
}

/** Null for a number too large for the payload: each payload has exactly one text. */
function fromBase62(text: string): Uint8Array | null {
  let value = 0n
  for (const digit of text) value = value * 62n + BigInt(ALPHABET.indexOf(digit))
  const hex = value.toString(16).padStart(PAYLOAD_BYTES * 2, '0')
  return hex.length > PAYLOAD_BYTES * 2 ? null : Buffer.from(hex, 'hex')
}
