// What the paid path's script does with requests that the network repeats.
import { expect, test } from 'vitest'
import { refreshAccount } from '../../src/data/accounts.ts'
import { exchange, READ } from '../../src/data/exchange.ts'
import type { Take } from '../../src/data/lease-script.ts'
import { NO_UNITS } from '../../src/data/units.ts'
import { signUp, testApp } from '../support/app.ts'
import { subscribe } from '../support/stripe.ts'

const app = testApp()
const { deps } = app

test.each(['pool', 'exact'] as const)(
  'a request for units (%s) that arrives twice holds them once',
  async (mode) => {
    const { id } = await subscribe(app, await signUp(app))
    await refreshAccount(deps, id)
    const expiresAt = Date.now() + 60_000
    const take: Take = { mode, id: 'once', units: { apiCalls: 5, reactions: 0 }, expiresAt }
    const [first, second] = [await exchange(deps, id, take), await exchange(deps, id, take)]
    expect([second.status, second.got, second.windowStart]).toEqual([
      'leased',
      first.got,
      first.windowStart,
    ])
    const settlement = { how: 'settle', id: 'once', units: NO_UNITS, windowStart: 0 } as const
    const { taken } = await exchange(deps, id, READ, [settlement])
    expect(taken).toEqual(NO_UNITS)
  },
)
