// Random ids, HMAC and constant-time comparison. All of it native: node:crypto under nodejs_compat.
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** Cryptographically random bytes; part of Deps, so that a test can choose them. */
export type RandomBytes = (length: number) => Uint8Array

/** Random bytes of the platform. */
export const randomBytes: RandomBytes = (length) => crypto.getRandomValues(new Uint8Array(length))

/** A random UUID, version 4 (RFC 9562). */
export function uuid(random: RandomBytes): string {
  const bytes = random(16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return formatUuid(bytes)
}

/** 16 bytes in the UUID's text form, lower case. */
export function formatUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
}

/** HMAC-SHA-256 (RFC 2104), 32 bytes. */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(message).digest()
}

/** HKDF-SHA-256 (RFC 5869) without salt: an independent 32-byte key for `purpose`. */
export function deriveKey(secret: string, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', purpose, 32))
}

/** Equal bytes, compared in a time that depends on their length alone. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && timingSafeEqual(a, b)
}
