// Keys as their owner manages them over HTTP.
import type { Answer, Call, TestApp } from './app.ts'

/** Who manages: by token, or by key. */
export type By = Pick<Call, 'token' | 'key'>

/** A key as `POST /keys` answers it. */
export interface MadeKey {
  id: string
  key: string
  mode: 'live' | 'test'
  name: string
  expires_at: string | null
}

/** Makes a key; what it answers otherwise fails the test. */
export async function makeKey(app: TestApp, by: By, body: object = {}): Promise<MadeKey> {
  const { status, json, text } = await app.call('POST', '/keys', {
    ...by,
    body: { name: 'a key', ...body },
  })
  if (status !== 201) throw new Error(`POST /keys answered ${status}: ${text}`)
  return json
}

/** The ids in the list, the oldest first. */
export async function listed(app: TestApp, by: By): Promise<string[]> {
  const { json } = await app.call('GET', '/keys', by)
  return json.keys.map(({ id }: { id: string }) => id)
}

/** Whether a key opens the paywall: with a test key, or a live one of somebody who pays. */
export async function opens(app: TestApp, key: string): Promise<Answer> {
  return app.call('POST', '/datasets/generate', {
    key,
    body: { dataset_type: 'reaction_trajectories', params: { runs: 1, max_reactions: 1 } },
  })
}
