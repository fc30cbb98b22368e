// The data sets themselves: reproducible, the same in every format, and chemically whole.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { networkOf, SCENARIOS } from '../../src/datasets/scenario.ts'
import { csvField } from '../../src/datasets/table.ts'
import { ALGORITHM } from '../../src/datasets/trajectories/gillespie.ts'
import { reactionTrajectories } from '../../src/datasets/trajectories/reaction-trajectories.ts'
import { csvRecords, csvRows, ndjson, open, type Row, rows, text } from './read.ts'

async function sha256(body: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const FORMATS = reactionTrajectories.formats

const allButLastLine = (body: string) => body.slice(0, body.lastIndexOf('\n', body.length - 2) + 1)

describe('a seed', () => {
  test.each(FORMATS)('gives the same bytes each time as %s', async (format) => {
    const params = { seed: 99, runs: 3, max_reactions: 400 }
    const [one, two, other] = await Promise.all([
      text(params, format),
      text(params, format),
      text({ ...params, seed: 100 }, format),
    ])
    expect(one).toBe(two)
    expect(one).not.toBe(other)
  })

  test.each(FORMATS)(
    'chosen for the caller and sent back gives the same bytes as %s',
    async (format) => {
      const chosen = open({ runs: 2 }, format)
      const body = await new Response(chosen.body).text()
      expect(chosen.seed).toBe(42)
      expect(await text({ runs: 2, seed: chosen.seed }, format)).toBe(body)
    },
  )

  test('stands for these bytes where nothing else is asked for', async () => {
    const body = await text({ scenario: 'formamide', seed: 1 })
    expect(ndjson(body).end.sha256).toBe(
      'db08348acc4991f7e195befffc87dd420563c757f9db4aa8728df8732150fbbe',
    )
  })

  // A change of these bytes breaks what customers keep seeds for: give ALGORITHM a new number.
  test.each([
    ['miller_urey', 298.15, 'e64e316b35d90253c826a279b5ec8dc9c0f59d8bbc0e5a7ad32a4a6c75c0642f'],
    ['formamide', 433, '3bc5e648a7c4680d41a692e8a13ebfeec0c8ee91770f49b2242b243961b2fd5b'],
    [
      'alkaline_hydrothermal',
      373.15,
      'fe5b76fa191bce24f4db88bd255c858b9c3e6c5a28fabcdcea5a62154cb86c35',
    ],
  ] as const)('stands for these bytes of %s', async (scenario, temperature_kelvin, expected) => {
    const body = await text({
      scenario,
      temperature_kelvin,
      seed: 1953,
      runs: 5,
      max_reactions: 200,
    })
    expect(ALGORITHM).toBe('gillespie-direct-2')
    expect(ndjson(body).end.sha256).toBe(expected)
  })
})

describe('the formats', () => {
  const params = { seed: 5, runs: 4, max_reactions: 300, scenario: 'formamide' } as const

  test('carry the same rows', async () => {
    const [lines, json, csv] = await Promise.all([
      text(params, 'ndjson'),
      text(params, 'json'),
      text(params, 'csv'),
    ])
    const expected = ndjson(lines).rows
    expect(expected.length).toBe(1200)
    expect((JSON.parse(json) as { rows: Row[] }).rows).toEqual(expected)
    expect(csvRows(csv)).toEqual(expected)
  })

  test('say what they are: JSON before and after, NDJSON in its last line', async () => {
    const counts = { rows: 1200, reactions: 1200, seed: 5, algorithm: 'gillespie-direct-2' }
    const endOf = (sum: string) => ({ ...counts, sha256: sum })
    const { rows: _, ...json } = JSON.parse(await text(params, 'json')) as { rows: Row[] }
    expect(json).toEqual({
      dataset_type: 'reaction_trajectories',
      params: { ...params, temperature_kelvin: 433.15, max_time_seconds: 1e12 },
      end: endOf(await sha256(allButLastLine(await text(params, 'json')))),
    })
    const lines = await text(params, 'ndjson')
    const end = endOf(await sha256(allButLastLine(lines)))
    expect(ndjson(lines).end).toEqual({ end: true, ...end })
  })

  test('CSV is records of equal length: names, rows, and the end as a comment', async () => {
    const csv = await text(params, 'csv')
    const records = csvRecords(csv)
    expect(records[0]?.join()).toBe(
      'run_id,step,time,reaction_id,reactants,products,reaction_type,temperature,scenario',
    )
    expect(records.length).toBe(1202)
    const sum = await sha256(allButLastLine(csv))
    expect(records.at(-1)?.[0]).toBe(
      `# end rows=1200 reactions=1200 seed=5 algorithm=gillespie-direct-2 sha256=${sum}`,
    )
    expect(new Set(records.map((record) => record.length))).toEqual(new Set([9]))
  })

  test('CSV fields of any text come back as they were', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', '"', ',', '\r', '\n', 'é') })),
        (cells) => {
          const record = [...cells, 'last']
          expect(csvRecords(`${record.map(csvField).join(',')}\r\n`)).toEqual([record])
        },
      ),
    )
  })
})

describe('runs', () => {
  test('do not depend on how many there are', async () => {
    const params = { seed: 8, max_reactions: 50 }
    const [ten, twenty] = await Promise.all([
      rows({ ...params, runs: 10 }),
      rows({ ...params, runs: 20 }),
    ])
    expect(twenty.slice(0, ten.length)).toEqual(ten)
  })

  test('begin alike in a longer request', async () => {
    const [short, long] = await Promise.all([
      rows({ seed: 8, runs: 1, max_reactions: 50 }),
      rows({ seed: 8, runs: 1, max_reactions: 500 }),
    ])
    expect(long.slice(0, 50)).toEqual(short)
  })

  test('differ from each other', async () => {
    const all = await rows({ seed: 8, runs: 10, max_reactions: 5 })
    expect(new Set(all.filter((row) => row.step === 1).map((row) => row.time)).size).toBe(10)
  })

  test('count steps from 1 up to max_reactions, in growing time', async () => {
    const all = await rows({ seed: 4, runs: 3, max_reactions: 120 })
    expect(all.map((row) => [row.run_id, row.step])).toEqual(
      [0, 1, 2].flatMap((run) => Array.from({ length: 120 }, (_, i) => [run, i + 1])),
    )
    for (const [i, row] of all.entries()) {
      expect(row.time).toBeGreaterThan(row.step === 1 ? 0 : (all[i - 1]?.time ?? Infinity))
    }
  })

  test('end early when nothing can react, and say so by their count', async () => {
    // The discharge uses up its gases, and in the end every nitrile has become glycine.
    const { rows: all, end } = ndjson(await text({ seed: 1, runs: 1, max_reactions: 100_000 }))
    expect(all.length).toBeLessThan(100_000)
    expect(end).toMatchObject({ rows: all.length, reactions: all.length })
  })

  test('are faster when it is hotter', async () => {
    for (const scenario of SCENARIOS) {
      const [cold, hot] = await Promise.all(
        [300, 400].map((temperature_kelvin) =>
          rows({ seed: 2, runs: 1, max_reactions: 1000, scenario, temperature_kelvin }),
        ),
      )
      expect(hot?.at(-1)?.time).toBeLessThan(cold?.at(-1)?.time ?? 0)
    }
  })
})

describe.each([
  ['miller_urey', 298.15],
  ['formamide', 433],
  ['alkaline_hydrothermal', 373.15],
] as const)('every row of %s', (scenario, kelvin) => {
  const { species, reactions } = networkOf(scenario)

  /** Atoms of a side as the row prints it: `HCN + 3 H2`. */
  function atoms(side: string): Map<string, number> {
    const count = new Map<string, number>()
    for (const part of side.split(' + ')) {
      const [name, coefficient] = part.includes(' ') ? part.split(' ').reverse() : [part, '1']
      const formula = species[name ?? '']?.formula ?? ''
      for (const [, element = '', number] of formula.matchAll(/([A-Z])(\d*)/g)) {
        const atoms = Number(coefficient) * Number(number || 1)
        count.set(element, (count.get(element) ?? 0) + atoms)
      }
    }
    return new Map([...count].sort())
  }

  test('keeps its atoms, never makes a count negative, and shows the whole network', async () => {
    const counts = new Map<string, number>()
    const all = await rows({
      seed: 3,
      runs: 1,
      max_reactions: 50_000,
      scenario,
      temperature_kelvin: kelvin,
    })
    for (const [name, { initial }] of Object.entries(species)) counts.set(name, initial)
    let lowest = 0
    for (const row of all) {
      for (const [side, sign] of [
        [row.reactants, -1],
        [row.products, 1],
      ] as const) {
        for (const part of side.split(' + ')) {
          const [name = '', coefficient] = part.includes(' ')
            ? part.split(' ').reverse()
            : [part, '1']
          const now = (counts.get(name) ?? Number.NaN) + sign * Number(coefficient)
          counts.set(name, now)
          lowest = Math.min(lowest, now)
        }
      }
    }
    expect(lowest).toBe(0)
    const kinds = new Map(all.map((row) => [row.reaction_id, row]))
    expect(kinds.size).toBe(reactions.length)
    for (const row of kinds.values()) {
      expect(atoms(row.reactants)).toEqual(atoms(row.products))
      expect(row).toMatchObject({ scenario, temperature: kelvin })
    }
  })
})
