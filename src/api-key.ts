// What an API key is made of. A key proves itself: an HMAC tag over its ids, so that a made-up one dies
// without any look-up and the database holds neither keys nor hashes of them.
import { crc32 } from 'node:zlib'
import { equalBytes, formatUuid, hmacSha256 } from './crypto.ts'

/** What a key opens: the paid API, or its samples. */
export const KEY_MODES = ['live', 'test'] as const
export type KeyMode = (typeof KEY_MODES)[number]

/** What a key begins with says what it opens; the tag covers it, so that nobody makes one into the other. */
export const KEY_PREFIXES: Readonly<Record<KeyMode, string>> = {
  live: 'tg_live_',
  test: 'tg_test_',
}
const PREFIX_LENGTH = KEY_PREFIXES.live.length
const VERSION = 1
const USER_ID_BYTES = 16
const KEY_ID_BYTES = 8
const TAG_BYTES = 16
const BODY_BYTES = 1 + USER_ID_BYTES + KEY_ID_BYTES
const PAYLOAD_BYTES = BODY_BYTES + TAG_BYTES
/** base62 digits that hold PAYLOAD_BYTES. */
const DIGITS = Math.ceil((PAYLOAD_BYTES * 8) / Math.log2(62))
/** base62 digits that hold a CRC-32. */
const CHECKSUM_DIGITS = 6
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const FORMAT = new RegExp(`^tg_(live|test)_[0-9A-Za-z]{${DIGITS + CHECKSUM_DIGITS}}$`)

/** The ids inside a key, a UUID of the user and 16 hex digits of the key, and what it opens. */
export interface KeyIds {
  userId: string
  keyId: string
  mode: KeyMode
  /** A previous secret has proved it: it ends when that secret is taken away. */
  isPrevious: boolean
}

/** The secrets that keys are tagged with: the first mints, all prove (so that it can be rotated). */
export type KeySecrets = readonly [Uint8Array, ...Uint8Array[]]

/** The key of these ids: always the same text for the same secret. A live one unless `mode` says otherwise. */
export function mintApiKey(
  [secret]: readonly [Uint8Array, ...unknown[]],
  { userId, keyId, mode = 'live' }: Pick<KeyIds, 'userId' | 'keyId'> & Partial<KeyIds>,
): string {
  const prefix = KEY_PREFIXES[mode]
  const body = new Uint8Array(BODY_BYTES)
  body[0] = VERSION
  body.set(Buffer.from(userId.replaceAll('-', ''), 'hex'), 1)
  body.set(Buffer.from(keyId, 'hex'), 1 + USER_ID_BYTES)
  const payload = Buffer.concat([body, tagOf(secret, prefix, body)])
  const text = prefix + toBase62(BigInt(`0x${payload.toString('hex')}`), DIGITS)
  return text + checksumOf(text)
}

/** The ids of a key that carries a tag of ours, or null for anything else. No I/O. */
export function proveApiKey(secrets: KeySecrets, text: string): KeyIds | null {
  const mode = FORMAT.exec(text)?.[1] as KeyMode | undefined
  if (!mode || checksumOf(text.slice(0, -CHECKSUM_DIGITS)) !== text.slice(-CHECKSUM_DIGITS)) {
    return null
  }
  const payload = fromBase62(text.slice(PREFIX_LENGTH, -CHECKSUM_DIGITS))
  if (payload === null || payload[0] !== VERSION) return null
  const body = payload.subarray(0, BODY_BYTES)
  const tag = payload.subarray(BODY_BYTES)
  const proof = secrets.findIndex((secret) =>
    equalBytes(tag, tagOf(secret, KEY_PREFIXES[mode], body)),
  )
  if (proof < 0) return null
  return {
    userId: formatUuid(body.subarray(1, 1 + USER_ID_BYTES)),
    keyId: Buffer.from(body.subarray(1 + USER_ID_BYTES)).toString('hex'),
    mode,
    isPrevious: proof > 0,
  }
}

function tagOf(secret: Uint8Array, prefix: string, body: Uint8Array): Uint8Array {
  const message = Buffer.concat([Buffer.from(prefix), body])
  return hmacSha256(secret, message).subarray(0, TAG_BYTES)
}

/**
 * No secret is needed to compute it: scanners of leaked secrets tell a key from noise by it
 * (https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/).
 */
function checksumOf(text: string): string {
  return toBase62(BigInt(crc32(text)), CHECKSUM_DIGITS)
}

function toBase62(value: bigint, digits: number): string {
  let rest = value
  let text = ''
  for (let i = 0; i < digits; i += 1) {
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
