// The API keys of an account.
import * as z from 'zod/mini'
import { newKey, rename, rotation } from '../../../src/keys/routes.ts'
import {
  apiKey,
  instant,
  keyId,
  keyPrefix,
  lastFour,
  list,
  maybeInstant,
  mode,
  prose,
} from '../fields.ts'
import type { Operation } from '../operation.ts'
import { answer, request, tell } from '../registry.ts'

tell(newKey.shape.name, { description: 'For people; without control characters.' })
tell(newKey.shape.mode, { description: 'A test key opens the paid API with samples, unpaid.' })
tell(newKey.shape.expires_at, {
  description:
    'In the future, by ten years at most. Without one the key lasts until it is revoked.',
})
tell(rotation.shape.grace_seconds, { description: 'How long the old key goes on.' })

const shown = {
  id: keyId('Of the key; it opens nothing.'),
  name: prose('For people.'),
  mode: mode('What it opens.'),
  prefix: keyPrefix('What its text begins with.'),
  last_four: lastFour('What its text ends with.'),
  former_last_four: list(
    lastFour('One of them.'),
    5,
    'While the operator rotates a secret: its ends under earlier ones.',
  ),
  created_at: instant('When it was made.'),
  last_used_at: maybeInstant('To the minute.'),
  expires_at: maybeInstant('When it ends by itself.'),
}
const key = answer('ApiKey', z.object(shown), 'A key, without its text.')
const made = answer(
  'NewApiKey',
  z.object({ key: apiKey('The key itself: shown here and never again.'), ...shown }),
)
const keys = answer('ApiKeys', z.object({ keys: list(key.schema, 1_000, 'The oldest first.') }))

export const KEYS: readonly Operation[] = [
  {
    method: 'get',
    path: '/keys',
    id: 'listKeys',
    tag: 'API keys',
    summary: 'List the keys',
    description: 'Those that are active, or have expired within seven days.',
    door: 'account',
    answer: { status: 200, description: 'The keys, without their text.', schema: keys },
    problems: [],
  },
  {
    method: 'post',
    path: '/keys',
    id: 'createKey',
    tag: 'API keys',
    summary: 'Make a key',
    description: 'At most 20 are active at once, and at most 100 are made in 24 hours.',
    door: 'account',
    body: {
      schema: request('NewKey', newKey),
      example: { name: 'the nightly job', mode: 'test' },
    },
    answer: {
      status: 201,
      description: 'The key, with its text.',
      schema: made,
      headers: ['Location'],
    },
    problems: ['too_many_keys', 'too_many_attempts', 'rate_limited'],
  },
  {
    method: 'get',
    path: '/keys/{id}',
    id: 'getKey',
    tag: 'API keys',
    summary: 'See a key',
    description: 'One of those that the list shows.',
    door: 'account',
    parameters: ['KeyId'],
    answer: { status: 200, description: 'The key, without its text.', schema: key },
    problems: ['not_found'],
  },
  {
    method: 'patch',
    path: '/keys/{id}',
    id: 'renameKey',
    tag: 'API keys',
    summary: 'Rename a key',
    description: 'Nothing but its name changes.',
    door: 'account',
    parameters: ['KeyId'],
    body: { schema: request('Rename', rename), example: { name: 'the weekly job' } },
    answer: { status: 200, description: 'The key, renamed.', schema: key },
    problems: ['not_found', 'rate_limited'],
  },
  {
    method: 'post',
    path: '/keys/{id}/rotate',
    id: 'rotateKey',
    tag: 'API keys',
    summary: 'Replace a key',
    description:
      'Makes a successor; the old key goes on for a while, never longer than it would have.',
    door: 'account',
    parameters: ['KeyId'],
    body: {
      schema: request('Rotation', rotation),
      example: { grace_seconds: 3_600 },
      isOptional: true,
    },
    answer: {
      status: 201,
      description: 'The successor, with its text.',
      schema: made,
      headers: ['Location'],
    },
    problems: ['not_found', 'too_many_keys', 'too_many_attempts', 'rate_limited'],
  },
  {
    method: 'delete',
    path: '/keys/{id}',
    id: 'revokeKey',
    tag: 'API keys',
    summary: 'Revoke a key',
    description: 'It opens nothing any more, everywhere, within seconds. Again: 204 again.',
    door: 'account',
    parameters: ['KeyId'],
    answer: { status: 204, description: 'It is revoked.' },
    problems: ['not_found', 'rate_limited'],
  },
]
