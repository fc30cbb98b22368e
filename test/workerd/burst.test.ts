// What shows only where each request has a context of its own, as on the platform: workerd serving the minified build.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { type Accounts, type BenchAccount, openAccounts } from '../bench/accounts.ts'
import { bundle } from '../bench/bundle.ts'
import { type Caller, NoAnswer } from '../bench/caller.ts'
import { callOnce, openCallers } from '../bench/load.ts'
import { benchCall, request } from '../bench/request.ts'
import { startWorkerd, type Workerd } from '../bench/workerd.ts'

const vars = inject('vars')
const { redisUrl, redisToken } = inject('stack')
/** Units go back about a second after the last call. */
const POLLING = { timeout: 20_000, interval: 100 }
const folder = mkdtempSync(join(tmpdir(), 'tollgate-workerd-'))
let script = ''
let accounts: Accounts

beforeAll(async () => {
  script = await bundle('test/bench/workers/paid.ts', folder)
  accounts = openAccounts(vars)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function serve(more: Record<string, string> = {}): Promise<Workerd> {
  const worker = await startWorkerd(script, { ...vars, ...more })
  onTestFinished(() => worker.close())
  return worker
}

async function customer(options = {}): Promise<BenchAccount> {
  const [made] = await accounts.create(1, options)
  if (!made) throw new Error('No account was made')
  return made
}

async function callers({ port }: Workerd, count: number): Promise<Caller[]> {
  const opened = await openCallers(port, count)
  onTestFinished(() => {
    for (const caller of opened) caller.close()
  })
  return opened
}

/** Redis hangs for this account, `times` times. */
async function hang({ userId }: BenchAccount, times: number): Promise<() => Promise<void>> {
  const order = { match: { bodyIncludes: userId }, fault: { kind: 'hold' }, times }
  const answer = await fetch(`${redisUrl}/_faults`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(order),
  })
  const { id } = (await answer.json()) as { id: string }
  onTestFinished(async () => {
    await fetch(`${redisUrl}/_faults/${id}`, { method: 'DELETE' })
  })
  return async () => {
    await fetch(`${redisUrl}/_faults/${id}/wait?hits=${times}`)
  }
}

const statusOf = async (caller: Caller, key: string) => (await caller.send(benchCall(key))).status

test('a burst at an isolate that has never seen the account is let in as far as its quota reaches', async () => {
  const { key } = await customer({ left: 60 })
  const worker = await serve({ REDIS_TIMEOUT_MS: '10000' })
  const all = await callers(worker, 80)
  const statuses = await Promise.all(all.map((caller) => statusOf(caller, key)))
  const passed = () => statuses.filter((status) => status === 200).length
  expect(new Set(statuses)).toEqual(new Set([200, 429]))
  // A unit may be on its way back to Redis while another call asks for it.
  expect(passed()).toBeGreaterThan(55)
  await expect
    .poll(async () => {
      statuses.push(await statusOf(all[0] as Caller, key))
      return passed()
    }, POLLING)
    .toBe(60)
  expect(await statusOf(all[0] as Caller, key)).toBe(429)
})

test('one that asks for others and whose caller leaves asks on; the others are answered', async () => {
  const person = await customer()
  const worker = await serve({ REDIS_TIMEOUT_MS: '400' })
  const [first, ...others] = await callers(worker, 5)
  const hung = await hang(person, 1)
  const left = first?.send(benchCall(person.key)).catch((error) => error)
  await hung()
  const waiting = others.map((caller) => statusOf(caller, person.key))
  first?.reset()
  expect(await Promise.all(waiting)).toEqual([200, 200, 200, 200])
  // Its own caller heard nothing.
  expect(await Promise.race([left, Promise.resolve('nothing')])).not.toBeInstanceOf(NoAnswer)
})

/** API calls in the books, and held by anybody. */
async function bookedAndHeld({ port }: Workerd, { userId, key }: BenchAccount) {
  const { body } = await callOnce(port, request('/api/v1/billing/usage', keyHeader(key)), 200)
  const command = ['HGETALL', `tollgate:usage:2:${userId}`]
  const answer = await fetch(redisUrl, {
    method: 'POST',
    headers: { Authorization: `Bearer ${redisToken}` },
    body: JSON.stringify(command),
  })
  const { result } = (await answer.json()) as { result: string[] }
  const held = result.filter((value, i) => i % 2 === 1 && value.endsWith(':h'))
  return { booked: JSON.parse(body).current_month.api_calls as number, held: held.length }
}

const keyHeader = (key: string) => ({ headers: { 'X-API-Key': key } })

test.each(['/api/v1/bench-slow', '/api/v1/bench-slow-exact'])(
  'callers of %s who leave are charged, and hold nothing afterwards',
  async (path) => {
    const person = await customer()
    const worker = await serve({ REDIS_TIMEOUT_MS: '10000' })
    await callOnce(worker.port, benchCall(person.key), 200)
    const leavers = await callers(worker, 10)
    for (const caller of leavers) {
      caller.send(request(path, keyHeader(person.key))).catch(() => {})
    }
    await expect
      .poll(() => bookedAndHeld(worker, person), POLLING)
      .toMatchObject({ held: path.endsWith('exact') ? 10 : 1 })
    for (const caller of leavers) caller.reset()
    await expect.poll(() => bookedAndHeld(worker, person), POLLING).toEqual({ booked: 11, held: 0 })
  },
)

test('the minified build still tells a database that is away from a key that is wrong', async () => {
  const { key } = await customer()
  const { port } = await serve({ DATABASE_URL: 'postgres://u:p@127.0.0.1:9/db' })
  const { status, body } = await callOnce(port, benchCall(key))
  expect([status, JSON.parse(body).code]).toEqual([503, 'unavailable'])
})
