// What was read slowly is no newer for it: how long this isolate answers by it counts from the question.
import { describe, expect, test } from 'vitest'
import { recall, refreshAccount } from '../../src/data/accounts.ts'
import { inject } from '../support/faults.ts'
import { ahead, customer, shop } from '../support/shop.ts'

describe('an account that Postgres was slow to tell', () => {
  test.each(['a call', 'a refresh'])('(%s) is known as long as one told at once', async (who) => {
    const person = await customer()
    const app = shop()
    app.holdBackground()
    const slow = await inject('postgres', {
      match: { bodyIncludes: person.id },
      fault: { kind: 'hold' },
      times: 1,
    })
    const asking = who === 'a call' ? app.buy(person) : refreshAccount(app.deps, person.id)
    await slow.hit()
    const later = ahead(app.deps.config.memorySeconds)
    app.setNow(later)
    await slow.release()
    await asking
    expect(recall(app.deps, person.id, later.getTime())).toBeUndefined()
    await app.endBackground()
  })
})
