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
      expect(key).toMatch(/^tg_live_[0-9A-Za-z]{56}$/)
      expect(proveApiKey(secrets, key)).toEqual(ids)
      expect(mintApiKey(secrets, ids)).toBe(key)
    }
  })

  test('keeps ids that begin or end in zeros', () => {
    const ids = { userId: '00000000-0000-0000-0000-000000000000', keyId: '0000000000000000' }
    expect(proveApiKey(secrets, mintApiKey(secrets, ids))).toEqual(ids)
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
    `tg_live_${'z'.repeat(56)}`,
    `tg_live_${'0'.repeat(56)}`,
    `tg_test_${'0'.repeat(56)}`,
    `tg_live_${'0'.repeat(57)}`,
    'sk_live_123',
    `tg_live_${'é'.repeat(56)}`,
  ])('%s is none', (text) => {
    expect(proveApiKey(secrets, text)).toBeNull()
  })

  test('of another secret is none; of the previous one it is while that is kept', () => {
    const ids = someIds()
    const old = mintApiKey(secrets, ids)
    const fresh = secret('tomorrow')
    expect(proveApiKey([fresh], old)).toBeNull()
    expect(proveApiKey([fresh, secrets[0]], old)).toEqual(ids)
    expect(mintApiKey([fresh, secrets[0]], ids)).not.toBe(old)
  })

  test('has one text: the same number written beyond its range is refused', () => {
    // 62^56 is larger than 2^328: a text above it would fold onto another payload if it were cut.
    expect(proveApiKey(secrets, `tg_live_z${mintApiKey(secrets, someIds()).slice(9)}`)).toBeNull()
  })
})
