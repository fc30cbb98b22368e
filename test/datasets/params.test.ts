// What a request may say, what it means when it says little, and what its errors tell.
import { describe, expect, test } from 'vitest'
import { datasetRequest, reactionsReserved } from '../../src/datasets/request.ts'

const parse = (body: object) =>
  datasetRequest.safeParse({ dataset_type: 'reaction_trajectories', ...body })

/** Where the errors are, and what they say. */
function errors(body: object): string[] {
  return (parse(body).error?.issues ?? []).map(
    (issue) => `${issue.path.join('.')}: ${issue.message}`,
  )
}

test('a request that names its type alone gets a thousand reactions of the flask', () => {
  for (const body of [{}, { params: {} }]) {
    const request = parse(body).data
    expect(request).toEqual({
      dataset_type: 'reaction_trajectories',
      params: {
        runs: 10,
        max_reactions: 100,
        temperature_kelvin: 298.15,
        max_time_seconds: 1e12,
        scenario: 'miller_urey',
      },
    })
    expect(request && reactionsReserved(request)).toBe(1000)
  }
})

test.each([
  ['miller_urey', 298.15],
  ['formamide', 433.15],
  ['alkaline_hydrothermal', 373.15],
])('%s is at %d K where nothing else is asked for', (scenario, temperature_kelvin) => {
  expect(parse({ params: { scenario } }).data?.params).toMatchObject({ temperature_kelvin })
  const asked = { scenario, temperature_kelvin: 300 }
  expect(parse({ params: asked }).data?.params).toMatchObject(asked)
})

test('what may be reserved is runs times reactions', () => {
  const request = parse({ params: { runs: 7, max_reactions: 300 } }).data
  expect(request && reactionsReserved(request)).toBe(2100)
})

describe('the limits', () => {
  const accepted = [
    { runs: 1 },
    { runs: 1000 },
    { max_reactions: 1 },
    { max_reactions: 100_000 },
    { runs: 1000, max_reactions: 1000 },
    { temperature_kelvin: 250 },
    { temperature_kelvin: 700 },
    { seed: 0 },
    { seed: 2 ** 53 - 1 },
  ]
  const refused: [string, object][] = [
    ['runs', { runs: 0 }],
    ['runs', { runs: 1001 }],
    ['runs', { runs: 1.5 }],
    ['runs', { runs: '10' }],
    ['max_reactions', { max_reactions: 0 }],
    ['max_reactions', { runs: 1, max_reactions: 100_001 }],
    ['max_reactions', { runs: 1000, max_reactions: 1001 }],
    ['temperature_kelvin', { temperature_kelvin: 249.9 }],
    ['temperature_kelvin', { temperature_kelvin: 700.1 }],
    ['temperature_kelvin', { temperature_kelvin: null }],
    ['max_time_seconds', { max_time_seconds: 0 }],
    ['max_time_seconds', { max_time_seconds: 2e12 }],
    ['seed', { seed: -1 }],
    ['seed', { seed: 2 ** 53 }],
    ['seed', { seed: 0.5 }],
    ['scenario', { scenario: 'mars' }],
  ]

  test.each(accepted)('%o is accepted', (params) => {
    expect(errors({ params })).toEqual([])
  })

  test.each(refused)('%s is refused in %o', (field, params) => {
    expect(parse({ params }).error?.issues.map((issue) => issue.path)).toEqual([['params', field]])
  })
})

describe('unknown keys', () => {
  test.each([
    [{ params: { temprature_kelvin: 300 } }, 'temprature_kelvin', 'temperature_kelvin'],
    [{ params: { temperature: 300 } }, 'temperature', 'temperature_kelvin'],
    [{ params: { Seed: 3 } }, 'Seed', 'seed'],
    [{ parms: {} }, 'parms', 'params'],
    [{ fromat: 'csv' }, 'fromat', 'format'],
  ])('%o is told what it meant', (body, given, meant) => {
    const [error, ...more] = errors(body)
    expect(more).toEqual([])
    expect(error).toContain(`"${given}"`)
    expect(error).toContain(`"${meant}"`)
  })

  test('what resembles nothing is told what is known', () => {
    expect(errors({ params: { pressure: 1 } })).toEqual([
      'params: unknown key "pressure": known are runs, max_reactions, temperature_kelvin, max_time_seconds, seed, scenario',
    ])
  })

  test('thousands of keys are answered shortly', () => {
    const keys = Array.from({ length: 5_000 }, (_, i) => [`k${i}`, 1])
    const [error, ...more] = errors({ params: Object.fromEntries(keys) })
    expect([error?.length, more]).toEqual([expect.any(Number), []])
    expect(error?.length).toBeLessThan(1_000)
  })

  test('a key of any length is answered shortly', () => {
    expect(errors({ ['x'.repeat(100_000)]: 1 })[0]?.length).toBeLessThan(200)
  })
})

test('another type or format is refused', () => {
  expect(parse({ dataset_type: 'spectra' }).error?.issues[0]?.path).toEqual(['dataset_type'])
  expect(parse({ format: 'xml' }).error?.issues[0]?.path).toEqual(['format'])
  expect(datasetRequest.safeParse({}).success).toBe(false)
  expect(datasetRequest.safeParse(null).success).toBe(false)
})
