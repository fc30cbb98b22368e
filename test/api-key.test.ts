// API keys prove themselves, and nothing else does.
import { describe, expect, test } from 'vitest'
import { type KeySecrets, mintApiKey, proveApiKey } from '../src/api-key.ts'
import { randomBytes, uuid } from '../src/crypto.ts'

const secret = (text: string) => new TextEncoder().encode(text.padEnd(32, '.'))
const secrets: KeySecrets = [secret('today')]
const someIds = () => ({
  userId: uuid(randomBytes),
  keyId: Buffer.from(randomBytes(8)).toString('hex'),
})

describe('an API key', () => {
  test('gives back its ids and is always the same', () => {
    for (let i = 0; i < 200; i += 1) {
      const ids = someIds()
      const key = mintApiKey(secrets, ids)
      expect(key).toMatch(/^tg_live_[0-9A-Za-z]{62}$/)
      expect(proveApiKey(secrets, key)).toEqual({ ...ids, mode: 'live', isPrevious: false })
      expect(mintApiKey(secrets, ids)).toBe(key)
    }
  })

  test('keeps ids that begin or end in zeros', () => {
    const ids = { userId: '00000000-0000-0000-0000-000000000000', keyId: '0000000000000000' }
    expect(proveApiKey(secrets, mintApiKey(secrets, ids))).toMatchObject(ids)
  })

  test('is worth nothing with any one character changed, in case or otherwise', () => {
    const key = mintApiKey(secrets, someIds())
    for (let i = 0; i < key.length; i += 1) {
      const was = key.charAt(i)
      for (const other of [was === 'a' ? 'b' : 'a', was.toUpperCase(), was.toLowerCase()]) {
        if (other === was) continue
        expect(proveApiKey(secrets, key.slice(0, i) + other + key.slice(i + 1))).toBeNull()
      }
    }
  })

  test.each([
    '',
    'tg_live_',
    `tg_live_${'z'.repeat(62)}`,
    `tg_live_${'0'.repeat(62)}`,
    `tg_test_${'0'.repeat(62)}`,
    `tg_live_${'0'.repeat(63)}`,
    'sk_live_123',
    `tg_live_${'é'.repeat(62)}`,
  ])('%s is none', (text) => {
    expect(proveApiKey(secrets, text)).toBeNull()
  })

  test('of another secret is none; of the previous one it is while that is kept', () => {
    const ids = someIds()
    const old = mintApiKey(secrets, ids)
    const fresh = secret('tomorrow')
    expect(proveApiKey([fresh], old)).toBeNull()
    expect(proveApiKey([fresh, secrets[0]], old)).toMatchObject({ ...ids, isPrevious: true })
    const now = mintApiKey([fresh, secrets[0]], ids)
    expect(proveApiKey([fresh, secrets[0]], now)).toMatchObject({ ...ids, isPrevious: false })
    expect(mintApiKey([fresh, secrets[0]], ids)).not.toBe(old)
  })

  test('has one text: the same number written beyond its range is refused', () => {
    // 62^56 is larger than 2^328: a text above it would fold onto another payload if it were cut.
    const text = `tg_live_z${mintApiKey(secrets, someIds()).slice(9, -6)}`
    expect(proveApiKey(secrets, text + checksum(text))).toBeNull()
  })

  test('of one mode is none of the other, its checksum mended or not', () => {
    for (const [mode, other] of [
      ['live', 'test'],
      ['test', 'live'],
    ] as const) {
      const ids = { ...someIds(), mode }
      const key = mintApiKey(secrets, ids)
      expect(proveApiKey(secrets, key)).toEqual({ ...ids, isPrevious: false })
      const text = key.replace(mode, other)
      expect(proveApiKey(secrets, text)).toBeNull()
      expect(proveApiKey(secrets, text.slice(0, -6) + checksum(text.slice(0, -6)))).toBeNull()
    }
  })

  test('with its checksum mended is worth nothing all the same: the tag decides', () => {
    const key = mintApiKey(secrets, someIds())
    for (let i = 8; i < key.length - 6; i += 1) {
      const text = key.slice(0, i) + (key.charAt(i) === 'a' ? 'b' : 'a') + key.slice(i + 1, -6)
      expect(proveApiKey(secrets, text + checksum(text))).toBeNull()
    }
  })

  test('matches the pattern and the checksum that the README tells scanners', () => {
    for (let i = 0; i < 200; i += 1) {
      const mode = i % 2 ? 'live' : 'test'
      const key = mintApiKey(secrets, { ...someIds(), mode })
      expect(key).toMatch(/^tg_(live|test)_[0-9A-Za-z]{62}$/)
      expect(key.slice(-6)).toBe(checksum(key.slice(0, -6)))
    }
  })
})

/** As docs for scanners say it, from RFC 1952, section 8, bit by bit: no code of ours. */
function checksum(text: string): string {
  let crc = 0xffffffff
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  let rest = (crc ^ 0xffffffff) >>> 0
  let digits = ''
  for (let i = 0; i < 6; i += 1) {
    digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'[rest % 62] + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}
