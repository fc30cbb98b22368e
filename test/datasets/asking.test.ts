// How a data set is asked for: format by body or Accept, plans' limits, an estimate that spends nothing, what each is.
import { describe, expect, test } from 'vitest'
import type { Tier } from '../../src/plans.ts'
import { signUp, testApp } from '../support/app.ts'
import { subscribe } from '../support/stripe.ts'
import { ndjson } from './read.ts'

const app = testApp()
const customer = async (tier: Tier) => subscribe(app, await signUp(app, tier), tier)
const hobbyist = customer('hobby')
const order = {
  dataset_type: 'reaction_trajectories',
  params: { runs: 1, max_reactions: 3, seed: 7 },
}

async function generate(body: object, headers: Record<string, string> = {}) {
  return app.call('POST', '/datasets/generate', { key: (await hobbyist).key, body, headers })
}
const estimate = (body: object) => app.call('POST', '/datasets/estimate', { body })
async function used() {
  const { json } = await app.call('GET', '/billing/usage', { key: (await hobbyist).key })
  return json.current_month
}

describe('the format', () => {
  test.each([
    ['text/csv', 'text/csv'],
    ['application/json', 'application/json'],
    ['application/json;q=0.5, text/csv', 'text/csv'],
    ['text/*', 'text/csv'],
    ['*/*', 'application/x-ndjson'],
    ['image/png', 'application/x-ndjson'],
  ])('that Accept: %s asks for is %s', async (Accept, type) => {
    const { headers } = await generate(order, { Accept })
    expect(headers.get('Content-Type')).toContain(type)
    expect(headers.get('Vary')).toContain('Accept')
  })

  test('that the body names goes before Accept', async () => {
    const { headers } = await generate({ ...order, format: 'json' }, { Accept: 'text/csv' })
    expect(headers.get('Content-Type')).toContain('application/json')
  })
})

describe("a plan's limits", () => {
  test('are told with what the other plans allow, and cost nothing', async () => {
    await generate(order)
    const before = await used()
    const body = { ...order, params: { runs: 101, max_reactions: 1, temperature_kelvin: 650 } }
    const { status, json } = await generate(body)
    expect([status, json.code]).toEqual([422, 'invalid_request'])
    expect(json.errors).toEqual([
      {
        path: 'params.runs',
        message: 'not in the plan hobby: hobby 1 to 100, research 1 to 500, pro 1 to 1000',
      },
      {
        path: 'params.temperature_kelvin',
        message: 'not in the plan hobby: hobby 270 to 500, research 250 to 600, pro 250 to 700',
      },
    ])
    expect(await used()).toEqual(before)
  })

  test('are those of the plan that was paid for', async () => {
    const { key } = await customer('research')
    const body = { ...order, params: { runs: 101, max_reactions: 1 } }
    const { status, text } = await app.call('POST', '/datasets/generate', { key, body })
    expect([status, ndjson(text).rows.length]).toEqual([200, 101])
  })
})

describe('an estimate', () => {
  test('says what a request may cost and which plans it is for, and needs no account', async () => {
    const body = { ...order, params: { runs: 200, max_reactions: 100 } }
    const { status, json } = await estimate(body)
    expect(status).toBe(200)
    expect(json.cost).toEqual({ api_calls: 1, reactions_at_most: 20_000 })
    expect(json.format).toBe('ndjson')
    expect(json.params).toMatchObject({ runs: 200, scenario: 'miller_urey' })
    expect(
      json.plans.map((plan: { tier: Tier; allowed: boolean }) => [plan.tier, plan.allowed]),
    ).toEqual([
      ['hobby', false],
      ['research', true],
      ['pro', true],
    ])
  })

  test('is what the paywall reserves: one reaction more than is left is refused', async () => {
    const { key } = await customer('hobby')
    const fits = { ...order, params: { runs: 1, max_reactions: 10_000 } }
    const above = { ...order, params: { runs: 100, max_reactions: 101 } }
    const [{ allowed, errors }] = (await estimate(above)).json.plans
    expect([allowed, errors[0].message]).toEqual([
      false,
      'more reactions than the plan hobby has in a month',
    ])
    expect((await app.call('POST', '/datasets/generate', { key, body: above })).json.code).toBe(
      'quota_exceeded',
    )
    expect((await estimate(fits)).json.plans[0].allowed).toBe(true)
    const { status } = await app.call('POST', '/datasets/generate', { key, body: fits })
    expect(status).toBe(200)
  })

  test('refuses what generate would refuse, at the same place', async () => {
    const { status, json } = await estimate({ ...order, params: { max_reaction: 5 } })
    expect([status, json.code]).toEqual([422, 'invalid_request'])
    expect(json.errors[0].message).toContain('max_reactions')
  })

  test('spends nothing', async () => {
    await generate(order)
    const before = await used()
    await estimate(order)
    expect(await used()).toEqual(before)
  })
})

test('a type that nobody knows is told which one it resembles', async () => {
  const { json } = await estimate({ dataset_type: 'reaction_trajectory' })
  expect(json.errors).toEqual([
    { path: 'dataset_type', message: 'did you mean "reaction_trajectories"?' },
  ])
  const { json: far } = await estimate({ dataset_type: 'spectra' })
  expect(far.errors[0].message).toContain('must be one of reaction_trajectories')
})

describe('GET /datasets', () => {
  test('lists what there is, and each is described for anybody', async () => {
    const { status, json } = await app.call('GET', '/datasets')
    expect(status).toBe(200)
    for (const { dataset_type: name, formats, algorithm } of json.dataset_types) {
      const { json: card } = await app.call('GET', `/datasets/${name}`)
      expect(card).toMatchObject({ dataset_type: name, formats, algorithm })
      for (const text of ['method', 'limitations', 'citations']) {
        expect(card[text].length, `${name}: ${text}`).toBeGreaterThan(1)
      }
    }
  })

  test('has nothing of a type that does not exist', async () => {
    const { status, json } = await app.call('GET', '/datasets/spectra')
    expect([status, json.code]).toEqual([404, 'not_found'])
  })
})
