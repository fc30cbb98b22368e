// The waits that grow between attempts, as Redis counts them. The clock is the test's, and nothing is hashed.
import { describe, expect, test } from 'vitest'
import { type Caller, forgetAttempts, tryPassword, trySignUp } from '../../src/data/attempts.ts'
import { attempt, Problem } from '../../src/problem.ts'
import { freshAddress, testApp, unique } from '../support/app.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A door with a clock of its own, and what happens at it: 'right', 'wrong', or how many seconds there are to wait. */
function door() {
  const app = testApp()
  // What the platform counts is another matter.
  app.deps.limiters.authByAccount = { allows: async () => true }
  let now = Date.parse('2026-03-01T12:00:00Z')
  app.setNow(new Date(now))
  let checks = 0
  const told = async (work: Promise<string>) => {
    const { value, problem } = await attempt(() => work)
    if (!problem) return value
    expect(problem.code).toBe('too_many_attempts')
    return Number(problem.extras.headers?.['Retry-After'])
  }
  return {
    ...app,
    wait(milliseconds: number) {
      now += milliseconds
      app.setNow(new Date(now))
    },
    /** How many passwords were looked at. */
    checks: () => checks,
    guess: (caller: Caller, password: 'right' | 'wrong' = 'wrong') =>
      told(
        tryPassword(
          app.deps,
          caller,
          async () => {
            checks += 1
            return password
          },
          (outcome) => outcome === 'wrong',
        ),
      ),
    signUp: (caller: Caller, outcome: 'made' | 'taken' = 'made') =>
      told(
        trySignUp(
          app.deps,
          caller,
          async () => outcome,
          (result) => result === 'taken',
        ),
      ),
  }
}

const somebody = () => `${unique('attempts')}@example.com`
const network4 = () => `192.0.2.1#${unique()}`

/** `count` guesses one after the other, each as soon as it may come; the seconds each had to wait. */
async function guessOn(at: ReturnType<typeof door>, caller: () => Caller, count: number) {
  const waits: number[] = []
  for (let i = 0; i < count; i += 1) {
    const one = caller()
    let outcome = await at.guess(one)
    let waited = 0
    while (typeof outcome === 'number') {
      waited += outcome
      at.wait(outcome * SECOND)
      outcome = await at.guess(one)
    }
    waits.push(waited)
  }
  return waits
}

describe('one account, one network', () => {
  test('has five attempts free, then waits of 1, 2, 4, … seconds up to 15 minutes', async () => {
    const at = door()
    const caller = { email: somebody(), address: network4() }
    expect(await guessOn(at, () => caller, 18)).toEqual([
      0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900,
    ])
  })

  test('waits to the millisecond, whatever the password, and no attempt makes it longer', async () => {
    const at = door()
    const caller = { email: somebody(), address: network4() }
    await guessOn(at, () => caller, 8)
    expect(await at.guess(caller, 'right')).toBe(8)
    at.wait(6 * SECOND)
    for (let i = 0; i < 20; i += 1) expect(await at.guess(caller, 'right')).toBe(2)
    at.wait(1 * SECOND + 1)
    expect(await at.guess(caller, 'right')).toBe(1)
    at.wait(998)
    expect(await at.guess(caller, 'right')).toBe(1)
    expect(at.checks()).toBe(8)
    at.wait(1)
    expect(await at.guess(caller, 'right')).toBe('right')
  })

  test('begins anew after a right password, and after a day', async () => {
    const at = door()
    const caller = { email: somebody(), address: network4() }
    await guessOn(at, () => caller, 4)
    expect(await at.guess(caller, 'right')).toBe('right')
    expect(await guessOn(at, () => caller, 6)).toEqual([0, 0, 0, 0, 0, 1])
    at.wait(DAY)
    expect(await guessOn(at, () => caller, 6)).toEqual([0, 0, 0, 0, 0, 1])
  })

  test('gains nothing by trying at once', async () => {
    const at = door()
    const caller = { email: somebody(), address: network4() }
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => at.guess(caller)))
    expect(outcomes.filter((one) => one === 'wrong')).toHaveLength(5)
    expect(at.checks()).toBe(5)
  })

  test('is one for any case of the email and any address of an IPv6 network', async () => {
    const at = door()
    const email = somebody()
    const [, a, b, c] = freshAddress().split(':')
    let host = 0
    const caller = () => {
      host += 1
      const address = `2001:${a}:${b}:${c}:${host}::${host}`
      return { address, email: host % 2 ? email : email.toUpperCase() }
    }
    expect(await guessOn(at, caller, 6)).toEqual([0, 0, 0, 0, 0, 1])
  })

  test('is not charged for a check that found nothing out', async () => {
    const at = door()
    const caller = { email: somebody(), address: network4() }
    const fails = async () => {
      throw new Error('Postgres is away')
    }
    for (let i = 0; i < 40; i += 1) {
      await expect(tryPassword(at.deps, caller, fails, () => true)).rejects.toThrow('Postgres')
    }
    expect(await guessOn(at, () => caller, 6)).toEqual([0, 0, 0, 0, 0, 1])
    at.wait(2 * SECOND)
    await expect(tryPassword(at.deps, caller, fails, () => true)).rejects.toThrow('Postgres')
    expect(await guessOn(at, () => caller, 2)).toEqual([0, 4])
  })
})

describe('one network, many accounts', () => {
  test('has thirty attempts free, then waits up to 15 minutes, and four an hour for ever', async () => {
    const at = door()
    const address = network4()
    const caller = () => ({ address, email: somebody() })
    const waits = await guessOn(at, caller, 44)
    expect(waits.slice(0, 30)).toEqual(Array(30).fill(0))
    expect(waits.slice(30, 36)).toEqual([1, 2, 4, 8, 16, 32])
    expect(waits.slice(41)).toEqual([900, 900, 900])
    // Seven hours and a half later the thirty are there again.
    at.wait(10 * HOUR)
    expect(await guessOn(at, caller, 31)).toEqual([...Array(30).fill(0), 1])
  })

  test('gains nothing by trying at once, nor by being right about an account of its own', async () => {
    const at = door()
    const address = network4()
    const own = somebody()
    await at.signUp({ address, email: own })
    const all = () => Array.from({ length: 60 }, () => at.guess({ address, email: somebody() }))
    expect((await Promise.all(all())).filter((one) => one === 'wrong')).toHaveLength(29)
    const wait = await at.guess({ address, email: somebody() })
    expect(wait).toBe(1)
    expect(await at.guess({ address, email: own }, 'right')).toBe('right')
    expect(await at.guess({ address, email: somebody() })).toBe(wait)
  })

  test('keeps nobody out who has logged in from there before', async () => {
    const at = door()
    const address = network4()
    const known = { address, email: somebody() }
    expect(await at.guess(known, 'right')).toBe('right')
    await guessOn(at, () => ({ address, email: somebody() }), 36)
    const wait = () => at.guess({ address, email: somebody() }, 'right')
    expect(await wait()).toBe(64)
    // As often as they like, while they are right; and nobody waits less for it.
    for (let i = 0; i < 20; i += 1) expect(await at.guess(known, 'right')).toBe('right')
    expect(await at.guess(known, 'wrong')).toBe('wrong')
    expect(await at.guess(known, 'right')).toBe('right')
    expect(await wait()).toBe(64)
  })

  test('counts the mistakes of those who have logged in from there, and what was right not', async () => {
    const at = door()
    const address = network4()
    const everybody = Array.from({ length: 8 }, () => ({ address, email: somebody() }))
    for (const known of everybody) await at.guess(known, 'right')
    for (const known of everybody) {
      for (let i = 0; i < 4 && known !== everybody[0]; i += 1) await at.guess(known, 'wrong')
    }
    for (const known of everybody) expect(await at.guess(known, 'right')).toBe('right')
    expect(await guessOn(at, () => ({ address, email: somebody() }), 3)).toEqual([0, 0, 1])
  })

  test('tells of ten at most who has logged in from there, while it waits, and of one more each 90 seconds', async () => {
    const at = door()
    const address = network4()
    const everybody = Array.from({ length: 14 }, () => ({ address, email: somebody() }))
    for (const known of everybody) await at.guess(known, 'right')
    await guessOn(at, () => ({ address, email: somebody() }), 41)
    const outcomes = await Promise.all(everybody.slice(0, 12).map((known) => at.guess(known)))
    expect(outcomes.filter((outcome) => outcome === 'wrong')).toHaveLength(10)
    const stranger = await at.guess({ address, email: somebody() })
    expect(stranger).toBe(900)
    expect(outcomes.filter((outcome) => outcome === stranger)).toHaveLength(2)
    at.wait(90 * SECOND)
    const later = [await at.guess(everybody[12] as Caller), await at.guess(everybody[13] as Caller)]
    expect(later).toEqual(['wrong', 810])
  })

  test('of IPv6 is counted in its site as well', async () => {
    const at = door()
    const [, , b, c] = freshAddress().split(':')
    let network = 0
    const caller = () => {
      network += 1
      return { address: `2001:${b}:${c}:${network.toString(16)}::1`, email: somebody() }
    }
    const waits = await guessOn(at, caller, 303)
    expect(waits).toEqual([...Array(300).fill(0), 1, 2, 4])
  })
})

describe('one account, many networks', () => {
  test('knows who has logged in from where, and gives newcomers one attempt while somebody is at it', async () => {
    const at = door()
    const email = somebody()
    const home = { email, address: network4() }
    expect(await at.guess(home, 'right')).toBe('right')
    const botnet = () => ({ email, address: network4() })
    expect(await guessOn(at, botnet, 50)).toEqual(Array(50).fill(0))
    const bot = botnet()
    expect(await guessOn(at, () => bot, 6)).toEqual([0, 60, 120, 240, 480, 900])
    // The owner: from home, with the mistakes of every day; and from anywhere else.
    for (let i = 0; i < 4; i += 1) expect(await at.guess(home)).toBe('wrong')
    expect(await at.guess(home, 'right')).toBe('right')
    expect(await at.guess(botnet(), 'right')).toBe('right')
  })

  test('is as before an hour later', async () => {
    const at = door()
    const email = somebody()
    const botnet = () => ({ email, address: network4() })
    await guessOn(at, botnet, 300)
    const newcomer = botnet()
    expect(await guessOn(at, () => newcomer, 2)).toEqual([0, 60])
    at.wait(HOUR - MINUTE)
    const late = botnet()
    expect(await guessOn(at, () => late, 2)).toEqual([0, 60])
    at.wait(HOUR + MINUTE)
    const another = botnet()
    expect(await guessOn(at, () => another, 6)).toEqual([0, 0, 0, 0, 0, 1])
  })

  test('knows no network any more once it is deleted', async () => {
    const at = door()
    const home = { email: somebody(), address: network4() }
    await at.guess(home, 'right')
    await forgetAttempts(at.deps, home.email.toUpperCase())
    await guessOn(at, () => ({ email: home.email, address: network4() }), 52)
    expect(await guessOn(at, () => home, 2)).toEqual([0, 60])
  })

  test('remembers twenty networks, for ninety days', async () => {
    const at = door()
    const email = somebody()
    const networks = Array.from({ length: 22 }, network4)
    const under = async (address: string) => {
      await at.guess({ address, email })
      return at.guess({ address, email })
    }
    for (const address of networks) {
      at.wait(1)
      await at.guess({ address, email }, 'right')
    }
    const attack = () => guessOn(at, () => ({ email, address: network4() }), 52)
    await attack()
    expect(await under(networks[1] ?? '')).toBe(60)
    expect(await under(networks[2] ?? '')).toBe('wrong')
    at.wait(90 * DAY)
    await attack()
    expect(await under(networks[3] ?? '')).toBe(60)
  })
})

describe('a sign-up', () => {
  test('counts for the network, taken or not', async () => {
    const at = door()
    const address = network4()
    for (let i = 0; i < 30; i += 1) {
      const outcome = i % 2 ? 'taken' : 'made'
      expect(await at.signUp({ address, email: somebody() }, outcome)).toBe(outcome)
    }
    expect(await at.signUp({ address, email: somebody() })).toBe(1)
    expect(await at.guess({ address, email: somebody() })).toBe(1)
  })

  test('of an email that is known from here waits like any other', async () => {
    const at = door()
    const known = { address: network4(), email: somebody() }
    await at.guess(known, 'right')
    await guessOn(at, () => ({ address: known.address, email: somebody() }), 30)
    expect(await at.signUp(known, 'taken')).toBe(1)
  })

  test('makes its network known to the account', async () => {
    const at = door()
    const home = { address: network4(), email: somebody() }
    await at.signUp(home)
    await guessOn(at, () => ({ address: network4(), email: home.email }), 52)
    for (let i = 0; i < 5; i += 1) expect(await at.guess(home)).toBe('wrong')
    expect(await at.guess(home)).toBe(1)
  })

  test('that fails is not counted', async () => {
    const at = door()
    const caller = { address: network4(), email: somebody() }
    const fails = async () => {
      throw new Problem('internal_error')
    }
    for (let i = 0; i < 40; i += 1) {
      await attempt(() => trySignUp(at.deps, caller, fails, () => true))
    }
    expect(await at.signUp(caller)).toBe('made')
  })
})

describe('what Redis keeps', () => {
  /** Every key and value under the attempts of this door. */
  const DUMP = `
    local all = {}
    for _, key in ipairs(KEYS) do
      local kind = redis.call('TYPE', key).ok
      local text = key .. ' ' .. redis.call('PTTL', key)
      if kind == 'hash' then for _, one in ipairs(redis.call('HGETALL', key)) do text = text .. ' ' .. one end end
      if kind == 'zset' then for _, one in ipairs(redis.call('ZRANGE', key, 0, -1)) do text = text .. ' ' .. one end end
      if kind ~= 'none' then table.insert(all, text) end
    end
    return all`

  test('says neither who nor where, and does not stay', async () => {
    const at = door()
    const address = freshAddress()
    const email = somebody()
    const keys = new Set<string>()
    const { redis } = at.deps
    at.deps.redis = {
      evaluate(script, given, args) {
        for (const key of given) keys.add(key)
        expect([...given, ...args].join(' ')).not.toMatch(/@|example|2001:|attempts-/)
        return redis.evaluate(script, given, args)
      },
    }
    await at.guess({ address, email })
    await at.guess({ address, email }, 'right')
    await at.guess({ address, email })
    // Who has logged in there is let past the network while it waits.
    await at.guess({ address, email }, 'right')
    for (let i = 0; i < 31; i += 1) await at.guess({ address, email: somebody() })
    await at.guess({ address, email })
    const dump = (await redis.evaluate(DUMP, [...keys], [])) as string[]
    const kinds = new Set(dump.map((text) => text.split(':')[3]))
    expect([...kinds].sort()).toEqual(['account', 'known', 'network', 'pair', 'passes', 'site'])
    for (const text of dump) {
      expect(text).toMatch(/^tollgate:attempts:1:\w+:[\w-]{43} [1-9]\d+ /)
      expect(text).not.toMatch(/@|example|2001:db8/)
    }
  })

  test('is made right where it is nonsense', async () => {
    const at = door()
    const caller = { email: somebody(), address: network4() }
    const keys = new Set<string>()
    const { redis } = at.deps
    at.deps.redis = {
      evaluate(script, given, args) {
        for (const key of given) keys.add(key)
        return redis.evaluate(script, given, args)
      },
    }
    await at.guess(caller)
    const spoil = `for i, key in ipairs(KEYS) do redis.call('DEL', key) redis.call('SET', key, 'x') end return 1`
    await redis.evaluate(spoil, [...keys], [])
    expect(await at.guess(caller)).toBe('wrong')
    const far = `for i, key in ipairs(KEYS) do
      redis.call('DEL', key)
      redis.call('HSET', key, 'n', '-1e300', 'at', 'soon', 'ready', '8e15')
    end return 1`
    await redis.evaluate(far, [...keys], [])
    // Never longer than the longest wait.
    expect(await at.guess(caller)).toBe(900)
  })
})

describe('while Redis is away', () => {
  test('nobody is kept out, it is said, and only the first wait for it', async () => {
    const at = door()
    let asked = 0
    at.deps.redis = {
      async evaluate() {
        asked += 1
        throw new Error('no answer')
      },
    }
    const caller = { email: somebody(), address: network4() }
    for (let i = 0; i < 20; i += 1) expect(await at.guess(caller)).toBe('wrong')
    expect(await at.guess(caller, 'right')).toBe('right')
    expect(asked).toBe(2)
    expect(at.logs.map(({ event }) => event)).toContain('attempts_not_counted')
  })

  test('the platform stands alone', async () => {
    const at = door()
    at.deps.redis = { evaluate: async () => Promise.reject(new Error('no answer')) }
    at.deps.limiters.authByAccount = { allows: async () => false }
    expect(await at.guess({ email: somebody(), address: network4() })).toBe(60)
    expect(await at.signUp({ email: somebody(), address: network4() })).toBe(60)
    expect(at.checks()).toBe(0)
  })
})
