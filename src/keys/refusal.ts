// Why a key was not made or found, told so that it can be mended.
import { type KeyChanger, MOST_KEYS, MOST_NEW_KEYS, MOST_TEST_KEYS } from '../data/api-keys.ts'
import { endedKey, endedToken } from '../ended.ts'
import { Problem } from '../problem.ts'
import type { NotMade } from './service.ts'

const REVOKE = 'Revoke one that is not used (DELETE /api/v1/keys/{id})'

export function notMade(why: NotMade, caller: KeyChanger): Problem {
  switch (why) {
    case 'ended':
      return ended(caller)
    case 'too_many':
      return new Problem('too_many_keys', {
        detail: `This account has ${MOST_KEYS} active keys, the most it may have. ${REVOKE}, or rotate with grace_seconds 0.`,
        members: { limit: MOST_KEYS },
      })
    case 'too_many_tests':
      return new Problem('too_many_keys', {
        detail: `This account has ${MOST_TEST_KEYS} active test keys: the last of ${MOST_KEYS} places is kept for a live one. ${REVOKE}, or rotate with grace_seconds 0.`,
        members: { limit: MOST_TEST_KEYS },
      })
    case 'too_many_new':
      return new Problem('too_many_attempts', {
        detail: `This account has made ${MOST_NEW_KEYS} keys within 24 hours. Use those, or wait.`,
        headers: { 'Retry-After': '3600' },
      })
    case 'outlives':
      return new Problem('invalid_request', {
        detail:
          'The key that this call was made with ends before the new one would. Ask for an expires_at that is not later, or call with a token from login or a key that does not expire.',
        members: {
          errors: [
            { path: 'expires_at', message: 'must not be later than the end of the key that asks' },
          ],
        },
      })
    case 'successor_outlives':
      return new Problem('invalid_request', {
        detail:
          'The key that this call was made with ends before the one to rotate, and so before its successor. Call with a token from login or a key that does not expire.',
        members: {
          errors: [
            { path: '', message: 'must be asked with a token, or a key that ends no sooner' },
          ],
        },
      })
    case 'gone':
      return new Problem('not_found', {
        detail:
          'This account has no such key, or it has ended: such a key cannot be rotated. Make a new one (POST /api/v1/keys).',
      })
  }
}

/** As the guard would have told it a moment later. */
export function ended({ keyId }: KeyChanger): Problem {
  return keyId === null ? endedToken() : endedKey()
}

/** The same for a key that never was, one that is another's, and one that has ended. */
export function noSuchKey(): Problem {
  return new Problem('not_found', {
    detail: 'This account has no such key. GET /api/v1/keys lists those that it has.',
  })
}

export function tooManyChanges(): Problem {
  return new Problem('rate_limited', { headers: { 'Retry-After': '10' } })
}
