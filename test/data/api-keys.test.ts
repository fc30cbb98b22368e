// Keys' rows, below the calls that look for themselves whose a key is.
import { eq } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { addKey, newKeyId } from '../../src/data/api-keys.ts'
import { apiKeys } from '../../src/data/schema.ts'
import { signUp, testApp } from '../support/app.ts'
import { listed } from '../support/keys.ts'

test('a key replaces none of another account', async () => {
  const app = testApp()
  const [person, other] = [await signUp(app), await signUp(app)]
  const [id = ''] = await listed(app, other)
  const key = {
    id: newKeyId(app.deps.randomBytes),
    name: 'x',
    mode: 'live',
    expiresAt: null,
  } as const
  const outcome = await addKey(app.deps, person.id, key, {
    action: 'key.rotated',
    audit: {},
    by: { keyId: null, epoch: 0 },
    replaced: { id, endsAt: null },
    waitUntil: () => {},
  })
  expect(outcome).toBe('gone')
  const [row] = await app.deps.db.select().from(apiKeys).where(eq(apiKeys.id, id))
  expect(row?.revokedAt).toBeNull()
  expect(await listed(app, person)).toHaveLength(1)
})
