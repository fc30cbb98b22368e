// A revoked key is none for any isolate PAYWALL_MEMORY_SECONDS + 1 s later, whatever is in flight or away.
import { describe, expect, test } from 'vitest'
import type { Deps } from '../../src/context.ts'
import { testApp } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { Isolates, type PaidTestCall } from '../support/isolates.ts'
import { listed, makeKey } from '../support/keys.ts'
import { type Customer, customer, shop } from '../support/shop.ts'

const ONE = { units: { apiCalls: 1, reactions: 0 }, isPlain: true }
const STEP_MS = 250
const PROMISED_MS = 6_000

/** Two isolates that a key keeps busy, and the account's owner, in a third one. */
async function busyIsolates(mode: 'live' | 'test') {
  const person = await customer({ tier: 'pro', known: true })
  const owner = testApp()
  const isolates = new Isolates(testApp().deps as Deps, { count: 2, now: Date.now() }, () => {})
  const made = await makeKey(owner, person, { mode })
  const call = async (index: number): Promise<PaidTestCall> => {
    const begun = isolates.begin(isolates.at(index), made.key, ONE)
    await isolates.rest()
    if (begun.state === 'handled') begun.end(200, ONE.units)
    await isolates.rest()
    return begun
  }
  /** Both call, four times a second. */
  const goOn = async (milliseconds: number) => {
    const answers: PaidTestCall[] = []
    for (let passed = 0; passed < milliseconds; passed += STEP_MS) {
      await isolates.pass(STEP_MS)
      answers.push(await call(0), await call(1))
    }
    return answers
  }
  const revoke = () => owner.call('DELETE', `/keys/${made.id}`, { key: person.key })
  return { isolates, goOn, revoke }
}

describe.each(['live', 'test'] as const)('a revoked %s key', (mode) => {
  test('is none for busy isolates when the time is over', async () => {
    const { goOn, revoke } = await busyIsolates(mode)
    const before = await goOn(8_000)
    expect(before.map(({ status }) => status)).toEqual(before.map(() => 200))
    expect((await revoke()).status).toBe(204)
    await goOn(PROMISED_MS)
    const late = await goOn(4_000)
    expect(late.map(({ status, text }) => [status, /"code":"(\w+)"/.exec(text)?.[1]])).toEqual(
      late.map(() => [401, 'invalid_api_key']),
    )
  })

  test('is none for them either while Redis is away', async () => {
    const { isolates, goOn, revoke } = await busyIsolates(mode)
    await goOn(2_000)
    isolates.line.isDown = true
    await revoke()
    await goOn(PROMISED_MS)
    const late = await goOn(2_000)
    expect(new Set(late.map(({ status }) => status))).toEqual(new Set([401]))
    isolates.line.isDown = false
    const later = await goOn(8_000)
    expect(new Set(later.map(({ status }) => status))).toEqual(new Set([401]))
  })
})

/** A second key of a customer, known to Redis and used in `busy`. */
async function usedKey(
  busy: ReturnType<typeof shop>,
  person: Customer,
  owner: ReturnType<typeof testApp>,
) {
  const made = await makeKey(owner, person)
  expect((await busy.buy(made)).status).toBe(200)
  return made
}

describe('a change that Redis does not hear of', () => {
  const fault = (userId: string, times: number) =>
    inject('redis', {
      match: { bodyIncludes: `{\\"userId\\":\\"${userId}` },
      fault: { kind: 'reset' },
      times,
    })

  test('is told again until it does: a revoked key goes in time all the same', async () => {
    const [owner, busy] = [testApp(), shop()]
    const person = await customer({ known: true })
    const start = Date.now()
    busy.setNow(new Date(start))
    busy.holdBackground()
    const made = await usedKey(busy, person, owner)
    await fault(person.id, 3)
    expect((await owner.call('DELETE', `/keys/${made.id}`, { key: person.key })).status).toBe(204)
    const failures = owner.logs.filter(({ event }) => event === 'account_snapshot_not_cached')
    expect(failures).toHaveLength(3)
    busy.setNow(new Date(start + PROMISED_MS))
    expect((await busy.buy(made)).json.code).toBe('invalid_api_key')
    await busy.endBackground()
  })

  test('and a new key opens everywhere', async () => {
    const [owner, other] = [testApp(), shop()]
    const person = await customer({ known: true })
    await fault(person.id, 1)
    const made = await makeKey(owner, person)
    expect((await other.buy(made)).status).toBe(200)
  })

  test('is given up after a while, and the log says so each time', async () => {
    const owner = testApp()
    const person = await customer({ known: true })
    const [id = ''] = await listed(owner, person)
    await fault(person.id, 100)
    expect((await owner.call('DELETE', `/keys/${id}`, { key: person.key })).status).toBe(204)
    const failures = owner.logs.filter(({ event }) => event === 'account_snapshot_not_cached')
    expect(failures).toHaveLength(21)
  })
})

test('a check in flight does not bring a revoked key back', async () => {
  const [owner, reader, other] = [testApp(), shop(), shop()]
  const person = await customer()
  const [id = ''] = await listed(owner, person)
  // The reader has seen the key in Postgres, and is about to tell Redis so.
  reader.holdBackground()
  const telling = await inject('redis', {
    match: { bodyIncludes: `{\\"userId\\":\\"${person.id}` },
    fault: { kind: 'hold' },
    times: 1,
  })
  expect((await reader.buy(person)).status).toBe(200)
  await telling.hit()
  expect((await owner.call('DELETE', `/keys/${id}`, { key: person.key })).status).toBe(204)
  await telling.release()
  await reader.endBackground()
  expect((await other.buy(person)).json.code).toBe('invalid_api_key')
})
