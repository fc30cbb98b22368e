// `npm run dev` ended and started again: what was used stays used.
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { formOf, submit } from '../../dev/browser.ts'
import { endGroup, isGone, patience, projectFolder, run, wranglerOf } from './npm.ts'
import { freePorts } from './ports.ts'

const CARD = '4242 4242 4242 4242'

test('the usage count survives a kill, and an orderly end even without Redis', async () => {
  const [folder, port] = [projectFolder(), await freePorts()]
  const redisFile = join(folder, '.stack/redis.json')
  const env = { STACK_PORT: String(port), PORT: String(port + 4) }
  const start = async () => {
    const { npm, ended, output } = run('dev', env, folder)
    const worker = await wranglerOf(port + 4)
    await vi.waitFor(() => expect(output()).toContain('End with Ctrl-C'), patience)
    return { npm, ended, group: npm.pid ?? 0, worker }
  }
  const api = `http://127.0.0.1:${port + 4}/api/v1`

  const first = await start()
  const headers = await subscriber(api, `http://127.0.0.1:${port}`)
  await buyData(api, headers)
  const used = await usage(api, headers)
  expect(used).toMatchObject({ api_calls: 1, reactions: 5 })
  await vi.waitFor(() => expect(readFileSync(redisFile, 'utf8')).toMatch(/:calls","1"/), patience)
  for (const group of [first.group, first.worker]) endGroup(group)
  await isGone(first.group)
  await isGone(first.worker)

  const second = await start()
  expect(await usage(api, headers)).toEqual(used)
  await buyData(api, headers)
  const usedTwice = await usage(api, headers)
  expect(usedTwice).toMatchObject({ api_calls: 2, reactions: 10 })
  second.npm.kill('SIGTERM')
  await second.ended
  await isGone(second.worker)
  await isGone(second.group)
  rmSync(redisFile)

  await start()
  expect(await usage(api, headers)).toEqual(usedTwice)
}, 180_000) // Three starts of all there is.

/** Somebody who has just paid, as what to send with a call. */
async function subscriber(api: string, stripe: string): Promise<Record<string, string>> {
  const account = { email: 'ada@example.com', password: 'correct horse battery', tier: 'hobby' }
  const { api_key } = await post(`${api}/auth/register`, account)
  const headers = { 'X-API-Key': api_key }
  const urls = { success_url: `${api}/health`, cancel_url: `${api}/health` }
  const { url } = await post(`${api}/billing/checkout/session`, { tier: 'hobby', ...urls }, headers)
  const payment = formOf(url, await (await fetch(url)).text(), 'Subscribe')
  payment.fields.number = CARD
  expect((await submit(payment)).status).toBe(303)
  await fetch(`${stripe}/_sim/webhooks/idle`)
  return headers
}

async function buyData(api: string, headers: Record<string, string>): Promise<void> {
  const params = { runs: 1, max_reactions: 5 }
  const order = { dataset_type: 'reaction_trajectories', params, format: 'json' }
  await post(`${api}/datasets/generate`, order, headers)
}

async function usage(api: string, headers: Record<string, string>): Promise<unknown> {
  const answer = await fetch(`${api}/billing/usage`, { headers })
  return ((await answer.json()) as { current_month: unknown }).current_month
}

async function post(
  url: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Record<string, string> & { url: string; api_key: string }> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  const text = await answer.text()
  expect([answer.status, text]).toEqual([200, expect.any(String)])
  return JSON.parse(text)
}
