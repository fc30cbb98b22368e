// The stream: produced as it is read, settled once with what was read.
import { describe, expect, test } from 'vitest'
import { BIG, idle, lines, started } from './started.ts'

test('nothing is simulated for a reader who does not read', async () => {
  const { spent, settled, reader } = started(BIG)
  await idle()
  expect(spent()).toBe(0)
  const { value } = await reader.read()
  await idle()
  expect(spent()).toBe(lines([value]))
  expect(spent()).toBeGreaterThan(0)
  expect(settled).toEqual([])
})

test.each(['ndjson', 'json', 'csv'] as const)(
  'comes in chunks of bounded size: %s',
  async (format) => {
    const { reader, spent } = started({ runs: 2, max_reactions: 20_000, seed: 1 }, {}, format)
    const sizes: number[] = []
    for (;;) {
      const { value, done } = await reader.read()
      if (done) break
      sizes.push(value.byteLength)
    }
    expect(spent()).toBe(40_000)
    expect(sizes[0]).toBeLessThan(4 * 1024)
    expect(Math.max(...sizes)).toBeLessThan(64 * 1024)
    const full = sizes.slice(1, -2)
    expect(full.length).toBeGreaterThan(10)
    expect(Math.min(...full)).toBeGreaterThan(16 * 1024)
  },
)

test('a cancelled stream settles once, with what was delivered', async () => {
  const { reader, settled, spent, ended } = started(BIG)
  const chunks = [await reader.read(), await reader.read(), await reader.read()]
  const delivered = lines(chunks.map(({ value }) => value))
  await reader.cancel('enough')
  expect(settled).toEqual([delivered])
  await ended
  await reader.cancel('again')
  await idle()
  expect(settled).toEqual([delivered])
  expect(spent()).toBe(delivered)
})

test('a stream cancelled before its first read settles nothing spent', async () => {
  const { reader, settled } = started(BIG)
  await reader.cancel()
  expect(settled).toEqual([0])
})

test('cancel waits for the settlement', async () => {
  const gate = Promise.withResolvers<void>()
  const events: string[] = []
  const { reader } = started(BIG, {
    settle: () => gate.promise.then(() => void events.push('settled')),
  })
  await reader.read()
  const cancelled = reader.cancel().then(() => events.push('cancelled'))
  await idle()
  expect(events).toEqual([])
  gate.resolve()
  await cancelled
  expect(events).toEqual(['settled', 'cancelled'])
})

describe('the normal end', () => {
  test.each(['ndjson', 'json', 'csv'] as const)(
    '%s closes only after the settlement',
    async (format) => {
      const gate = Promise.withResolvers<void>()
      const settled: number[] = []
      const { reader, spent, ended } = started(
        { runs: 1, max_reactions: 5 },
        {
          settle: (reactions) => {
            settled.push(reactions)
            return gate.promise
          },
        },
        format,
      )
      const received: Uint8Array[] = []
      let closed = false
      const reading = (async () => {
        for (;;) {
          const { value, done } = await reader.read()
          if (done) break
          received.push(value)
        }
        closed = true
      })()
      await idle()
      expect(settled).toEqual([5])
      expect(spent()).toBe(5)
      expect(closed).toBe(false)
      const before = await new Blob(received).text()
      expect(before).not.toContain('sha256')
      gate.resolve()
      await reading
      await ended
      const after = await new Blob(received).text()
      expect(settled).toEqual([5])
      expect(after.slice(before.length)).toMatch(/^[^\n]*reactions"?[:=]5\b[^\n]*\n$/)
    },
  )

  test('cancelling it afterwards settles nothing more', async () => {
    const { reader, settled } = started({ runs: 1, max_reactions: 3 })
    while (!(await reader.read()).done);
    await reader.cancel()
    expect(settled).toEqual([3])
  })

  test('cancelling while it settles settles once', async () => {
    const gate = Promise.withResolvers<void>()
    const settled: number[] = []
    const { reader, ended } = started(
      { runs: 1, max_reactions: 3 },
      {
        settle: (reactions) => {
          settled.push(reactions)
          return gate.promise
        },
      },
    )
    await reader.read()
    const last = reader.read()
    await idle()
    const cancelled = reader.cancel()
    gate.resolve()
    await Promise.all([cancelled, ended])
    expect(await last).toEqual({ done: true, value: undefined })
    expect(settled).toEqual([3])
  })
})

test('progress grows chunk by chunk to the end', async () => {
  const progress: number[] = []
  const { reader, spent } = started({ runs: 2, max_reactions: 2000 })
  while (!(await reader.read()).done) if (spent() !== progress.at(-1)) progress.push(spent())
  expect(progress.length).toBeGreaterThan(10)
  expect(progress).toEqual([...new Set(progress)].sort((a, b) => a - b))
  expect(progress.at(-1)).toBe(4000)
})

test('what it is called and what it is', () => {
  const names = (['ndjson', 'json', 'csv'] as const).map((format) => {
    const { contentType, filename } = started({ seed: 12, scenario: 'formamide' }, {}, format)
    return [contentType, filename]
  })
  expect(names).toEqual([
    ['application/x-ndjson', 'reaction_trajectories-formamide-12.ndjson'],
    ['application/json', 'reaction_trajectories-formamide-12.json'],
    ['text/csv; charset=utf-8; header=present', 'reaction_trajectories-formamide-12.csv'],
  ])
})
