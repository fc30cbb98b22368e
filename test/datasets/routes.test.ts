// The product over HTTP: formats, headers, reproducibility.
import { describe, expect, test } from 'vitest'
import { signUp, testApp } from '../support/app.ts'
import { subscribe } from '../support/stripe.ts'

const app = testApp()
const customer = signUp(app, 'research').then((person) => subscribe(app, person, 'research'))
const generate = async (body: object) =>
  app.call('POST', '/datasets/generate', { key: (await customer).key, body })
const order = {
  dataset_type: 'reaction_trajectories',
  params: { runs: 2, max_reactions: 20, seed: 42 },
}

describe('POST /datasets/generate', () => {
  test.each([
    ['ndjson', 'application/x-ndjson'],
    ['json', 'application/json'],
    ['csv', 'text/csv'],
  ])('streams %s under its name', async (format, type) => {
    const { status, headers, text } = await generate({ ...order, format })
    expect(status).toBe(200)
    expect(headers.get('Content-Type')).toContain(type)
    expect(headers.get('Content-Disposition')).toBe(
      `attachment; filename="reaction_trajectories-miller_urey-42.${format}"`,
    )
    expect(headers.get('Cache-Control')).toBe('no-store')
    expect(text.length).toBeGreaterThan(100)
  })

  test('gives the same bytes for the same seed, and others for another', async () => {
    const [first, second, other] = [
      await generate(order),
      await generate(order),
      await generate({ ...order, params: { ...order.params, seed: 43 } }),
    ]
    expect(second.text).toBe(first.text)
    expect(other.text).not.toBe(first.text)
  })

  test('tells the seed that it chose, so that the bytes can be had again', async () => {
    const chosen = await generate({
      dataset_type: 'reaction_trajectories',
      params: { runs: 1, max_reactions: 9 },
    })
    const seed = Number(chosen.headers.get('X-Dataset-Seed'))
    expect(chosen.headers.get('X-Dataset-Algorithm')).toMatch(/^[a-z-]+-\d+$/)
    const again = await generate({
      dataset_type: 'reaction_trajectories',
      params: { runs: 1, max_reactions: 9, seed },
    })
    expect(again.text).toBe(chosen.text)
  })

  test.each([
    [{}, 'dataset_type'],
    [{ dataset_type: 'novel_dreams' }, 'dataset_type'],
    [{ ...order, format: 'xml' }, 'format'],
    [{ ...order, params: { max_reactions: 0 } }, 'params.max_reactions'],
    [{ ...order, params: { temperature_kelvin: 5_000 } }, 'params.temperature_kelvin'],
    [{ ...order, params: { scenario: 'mars' } }, 'params.scenario'],
    [{ ...order, params: { seed: -1 } }, 'params.seed'],
    [{ ...order, params: { runs: 1000, max_reactions: 100_000 } }, 'params.max_reactions'],
  ])('refuses %j at %s', async (body, path) => {
    const { status, json } = await generate(body)
    expect([status, json.code]).toEqual([422, 'invalid_request'])
    expect(json.errors[0].path).toBe(path)
  })

  test('names the parameter that an unknown one resembles', async () => {
    const { json } = await generate({ ...order, params: { max_reaction: 5 } })
    expect(json.errors[0].message).toContain('max_reactions')
  })
})
