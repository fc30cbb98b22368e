// What happens between an isolate and Redis's counts: answers that are lost, counts that are damaged.
import { describe, expect, test } from 'vitest'
import { testApp } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { ahead, type Customer, callsUsed, customer, shop } from '../support/shop.ts'
import { redisCommand } from '../support/snapshot.ts'
import { heldLeases } from '../support/usage.ts'

const reader = testApp()
const used = (who: { key: string }) => callsUsed(reader, who)
/** API calls that each lease holds. */
const held = async ({ id }: Customer) =>
  (await heldLeases(id)).map((lease) => Number(lease.split(':')[1]))

describe('an answer of Redis that is lost', () => {
  const losing = ({ id }: Customer, mode: string) =>
    inject('redis', {
      match: { bodyIncludes: `"${id}","${mode}"` },
      fault: { kind: 'lose-answer' },
      times: 1,
    })

  test('to a call: it is served, counted once, and what was held for it goes back', async () => {
    const person = await customer({ known: true })
    const app = shop()
    await losing(person, 'pool')
    expect((await app.buy(person)).status).toBe(200)
    expect(await held(person)).toEqual([])
    // What was lent meanwhile is booked by what the next call does in the background.
    expect((await app.buy(person)).status).toBe(200)
    expect(await held(person)).toEqual([])
    expect(await used(person)).toBe(2)
  })

  test('to a renewal: it is sent again and counts once', async () => {
    const person = await customer({ known: true })
    const app = shop()
    const lost = await losing(person, 'renew')
    app.holdBackground()
    for (let i = 0; i < 8; i += 1) expect((await app.buy(person)).status).toBe(200)
    await lost.hit()
    await app.endBackground()
    expect(app.logs.map(({ event }) => event)).toContain('usage_not_settled')
    app.setNow(ahead(2))
    expect((await app.buy(person)).status).toBe(200)
    expect(await used(person)).toBe(9)
    expect(await held(person)).toEqual([])
  })

  test.each([
    ['/plain', 'what is given back'],
    ['/exact/3', 'a lease of its own'],
    ['/costs/3', 'what a call cost above its unit'],
  ])('to the settlement of %s (%s): it counts once', async (path) => {
    const person = await customer({ known: true })
    const app = shop()
    const lost = await losing(person, 'read')
    expect((await app.buy(person, path)).status).toBe(200)
    await lost.hit()
    app.setNow(ahead(2))
    expect((await app.buy(person)).status).toBe(200)
    expect(await used(person)).toBe(path === '/plain' ? 2 : 4)
    expect(await held(person)).toEqual([])
  })
})

describe('counts in Redis', () => {
  const usageKey = ({ id }: Customer) => `tollgate:usage:2:${id}`

  test('that lost their expiry get one again', async () => {
    const person = await customer({ known: true })
    await redisCommand('PERSIST', usageKey(person))
    expect(await redisCommand('PTTL', usageKey(person))).toBe(-1)
    await shop().buy(person)
    expect(await redisCommand('PTTL', usageKey(person))).toBeGreaterThan(0)
  })

  test.each(['usage', 'leases', 'account'])(
    'that are garbage in place of the %s heal',
    async (what) => {
      const person = await customer({ used: 7, known: true })
      const key = `tollgate:${what}:2:${person.id}`
      await redisCommand('DEL', key)
      await redisCommand('SET', key, 'garbage')
      expect((await shop().buy(person)).status).toBe(200)
      expect(await used(person)).toBe(8)
      expect(await held(person)).toEqual([])
    },
  )

  test('that hold leases of which nobody knows the end hold nothing for ever', async () => {
    const person = await customer({ used: 990 })
    const dead = shop()
    dead.holdBackground()
    await dead.buy(person)
    await redisCommand('DEL', `tollgate:leases:2:${person.id}`)
    expect((await shop().buy(person)).status).toBe(200)
    await dead.endBackground()
  })
})
