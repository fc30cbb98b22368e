// Idempotency-Key on a paid call: a request that is sent again is charged once, and a key stands for one request.
import { createExecutionContext, env, waitOnExecutionContext } from 'cloudflare:test'
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type Call, testApp, unique } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { ahead, callsUsed, customer, type Shop, shop } from '../support/shop.ts'
import { redisCommand } from '../support/snapshot.ts'
import { heldLeases } from '../support/usage.ts'

const reader = testApp()
const used = (who: { key: string }) => callsUsed(reader, who)
const withKey = (name: string, more: Call = {}): Call => ({
  body: '{"a":1}',
  ...more,
  headers: { ...more.headers, 'Idempotency-Key': name },
})
/** Sends `count` times the same, one after the other. */
async function repeat(app: Shop, who: { key: string }, name: string, count: number) {
  const answers = []
  for (let i = 0; i < count; i += 1) answers.push(await app.buy(who, '/echo', withKey(name)))
  return answers.map(({ status, json }) => json.code ?? status)
}

describe('the same key and request', () => {
  test('are charged once, at whatever isolate', async () => {
    const person = await customer()
    const name = unique()
    for (const app of [shop(), shop(), shop()]) {
      const { status, text } = await app.buy(person, '/echo', withKey(name))
      expect([status, text]).toEqual([200, '{"a":1}'])
    }
    expect(await used(person)).toBe(1)
    expect(await heldLeases(person.id)).toEqual([])
  })

  test('while the first is under way are refused, and afterwards answered, charged once', async () => {
    const person = await customer({ known: true })
    const name = unique()
    const [first, second] = [shop(), shop()]
    const running = first.buy(person, '/held', withKey(name))
    let refused = await second.buy(person, '/plain', withKey(unique()))
    // The first has been let in as soon as the second is told so.
    second.open()
    while (!refused.json.code) refused = await second.buy(person, '/held', withKey(name))
    expect([refused.status, refused.json.code]).toEqual([409, 'idempotency_key_in_use'])
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0)
    first.open()
    expect((await running).status).toBe(200)
    expect((await second.buy(person, '/held', withKey(name))).status).toBe(200)
    expect(await used(person)).toBe(2)
  })

  test('at once at three isolates: each is answered or told to wait, and one is charged', async () => {
    const person = await customer()
    const name = unique()
    const answers = await Promise.all(
      [shop(), shop(), shop()].map((app) => app.buy(person, '/echo', withKey(name))),
    )
    for (const { status, json } of answers)
      expect(json.code ?? status).toBeOneOf([200, 'idempotency_key_in_use'])
    expect(answers.some(({ status }) => status === 200)).toBe(true)
    expect(await used(person)).toBe(1)
  })

  test('are charged when they are answered: what we failed before costs nothing', async () => {
    const person = await customer({ known: true })
    const app = shop()
    let healthy = false
    app.app.post(
      '/api/v1/shop/flaky',
      (await import('../../src/paywall/middleware.ts')).paywall(),
      (c) => (healthy ? c.text('sold') : c.body('', 503)),
    )
    const name = unique()
    expect((await app.buy(person, '/flaky', withKey(name))).status).toBe(503)
    expect(await used(person)).toBe(0)
    healthy = true
    for (let i = 0; i < 2; i += 1) {
      expect((await app.buy(person, '/flaky', withKey(name))).status).toBe(200)
    }
    expect(await used(person)).toBe(1)
  })

  test('may be repeated ten times; the next is refused', async () => {
    const person = await customer({ known: true })
    const outcomes = await repeat(shop(), person, unique(), 12)
    expect(outcomes).toEqual([...Array(11).fill(200), 'idempotency_key_used_up'])
    expect(await used(person)).toBe(1)
  })

  test('of an answer that was cut are charged like a call of their own', async () => {
    const person = await customer()
    const app = shop()
    const name = unique()
    const body = {
      dataset_type: 'reaction_trajectories',
      params: { runs: 1, max_reactions: 3_000, seed: 1 },
    }
    const ctx = createExecutionContext()
    const headers = {
      'X-API-Key': person.key,
      'Content-Type': 'application/json',
      'Idempotency-Key': name,
    }
    const request = { method: 'POST', headers, body: JSON.stringify(body) }
    const cut = await app.app.request('/api/v1/datasets/generate', request, env, ctx)
    const reader = cut.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    await waitOnExecutionContext(ctx)
    const usage = async () =>
      (await app.call('GET', '/billing/usage', { key: person.key })).json.current_month
    const first = await usage()
    expect(first.reactions).toBeLessThan(3_000)
    for (const times of [1, 1]) {
      const again = await app.call('POST', '/datasets/generate', {
        key: person.key,
        ...withKey(name, { body }),
      })
      expect(again.status).toBe(200)
      const { api_calls, reactions } = await usage()
      expect([api_calls, reactions]).toEqual([1 + times, first.reactions + 3_000])
    }
  })

  test('give the same data set, though nobody named a seed', async () => {
    const person = await customer()
    const order = { dataset_type: 'reaction_trajectories', params: { runs: 2, max_reactions: 20 } }
    const generate = (name: string) =>
      shop().call('POST', '/datasets/generate', {
        key: person.key,
        ...withKey(name, { body: order }),
      })
    const name = unique()
    const [first, second, other] = [
      await generate(name),
      await generate(name),
      await generate(unique()),
    ]
    expect(first.status).toBe(200)
    expect(second.text).toBe(first.text)
    expect(other.text).not.toBe(first.text)
    const { json } = await reader.call('GET', '/billing/usage', { key: person.key })
    expect(json.current_month).toMatchObject({ api_calls: 2, reactions: 80 })
  })

  test('are charged anew after 24 hours', async () => {
    const person = await customer({ known: true })
    const name = unique()
    expect(await repeat(shop(), person, name, 2)).toEqual([200, 200])
    const hash = createHash('sha256').update(`${person.id}\n${name}`).digest('hex').slice(0, 40)
    const key = `tollgate:idempotency:2:${hash}`
    const left = await redisCommand<number>('PTTL', key)
    expect(left).toBeGreaterThan(86_400_000 - 120_000)
    expect(left).toBeLessThanOrEqual(86_400_000)
    // As if they had passed.
    await redisCommand('DEL', key)
    expect(await repeat(shop(), person, name, 1)).toEqual([200])
    expect(await used(person)).toBe(2)
  })

  test('while Redis is away are served, and booked once when it is back', async () => {
    const person = await customer({ known: true })
    const app = shop()
    const away = await inject('redis', {
      match: { bodyIncludes: person.id },
      fault: { kind: 'status', status: 500, body: 'x', contentType: 'text/plain' },
    })
    expect(await repeat(app, person, unique(), 3)).toEqual([200, 200, 200])
    await away.remove()
    app.setNow(ahead(2))
    expect((await app.buy(person)).status).toBe(200)
    expect(await used(person)).toBe(2)
    expect(await heldLeases(person.id)).toEqual([])
  })
})

describe('a key', () => {
  test.each([
    ['another body', 'POST', '/echo', '{"a":2}'],
    ['another path', 'POST', '/plain', '{"a":1}'],
    ['another query', 'POST', '/echo?b=1', '{"a":1}'],
    ['another method', 'PUT', '/echo', '{"a":1}'],
  ])('that comes again with %s is refused and costs nothing', async (_, method, path, body) => {
    const person = await customer({ known: true })
    const app = shop()
    const name = unique()
    await app.buy(person, '/echo', withKey(name))
    const { status, json } = await app.call(method, `/shop${path}`, {
      key: person.key,
      ...withKey(name, { body }),
    })
    expect([status, json.code]).toEqual([422, 'idempotency_key_reused'])
    expect(await used(person)).toBe(1)
  })

  test('of another account is another key', async () => {
    const people = [await customer({ known: true }), await customer({ known: true })]
    const name = unique()
    for (const person of people) {
      expect((await shop().buy(person, '/echo', withKey(name, { body: person.id }))).text).toBe(
        person.id,
      )
      expect(await used(person)).toBe(1)
    }
  })

  test.each(['', 'x'.repeat(256), 'clé', 'a\tb'])(
    'that is malformed (%j) is a mistake of the caller’s and costs nothing',
    async (name) => {
      const person = await customer({ known: true })
      const { status, json } = await shop().buy(person, '/echo', withKey(name))
      expect([status, json.code]).toEqual([422, 'invalid_request'])
      expect(json.errors).toMatchObject([{ path: 'Idempotency-Key' }])
      expect(await used(person)).toBe(0)
    },
  )

  test('may have 255 characters', async () => {
    const person = await customer({ known: true })
    expect(await repeat(shop(), person, unique().padEnd(255, ' ~'), 1)).toEqual([200])
  })
})

describe('a body under a key', () => {
  test('reaches the handler whole, up to a mebibyte', async () => {
    const person = await customer({ known: true })
    const body = `é${'0123456789abcdef'.repeat(65_536)}`.slice(0, 1_048_575)
    const { status, text } = await shop().buy(person, '/echo', withKey(unique(), { body }))
    expect([status, text === body]).toEqual([200, true])
  })

  test('of more than that is refused and costs nothing', async () => {
    const person = await customer({ known: true })
    const body = 'x'.repeat(1_048_577)
    const { status, json } = await shop().buy(person, '/echo', withKey(unique(), { body }))
    expect([status, json.code]).toEqual([413, 'payload_too_large'])
    expect(await used(person)).toBe(0)
    expect(await heldLeases(person.id)).toEqual([])
  })
})
