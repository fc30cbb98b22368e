// The stream that does not come to its end: broken, badly settled, or left by its client.
import { describe, expect, test } from 'vitest'
import { openDataset } from '../../src/datasets/open-dataset.ts'
import { settledStream } from '../../src/datasets/stream.ts'
import { request } from './read.ts'
import { BIG, idle, lines, started } from './started.ts'

describe('when something fails', () => {
  test('on the way, the reader sees an error and what was delivered is settled once', async () => {
    const settled: number[] = []
    function* pieces() {
      for (let rows = 0; rows < 3_000; rows += 1) {
        yield { text: 'thirty-two characters and a line\n', rows: 1, reactions: 2 }
      }
      throw new Error('broken')
    }
    const { body, spent } = settledStream(
      { pieces: pieces(), closing: () => 'the end' },
      {
        end: { seed: 1, algorithm: 'a-1' },
        settle: async (reactions) => void settled.push(reactions),
      },
    )
    const reader = body.getReader()
    let delivered = 0
    const reading = (async () => {
      for (;;) delivered += lines([(await reader.read()).value])
    })()
    await expect(reading).rejects.toThrow('broken')
    await reader.cancel().catch(() => undefined)
    expect(delivered).toBeGreaterThan(1_000)
    expect([settled, spent()]).toEqual([[2 * delivered], 2 * delivered])
  })

  test.each([
    ['rejects', () => Promise.reject(new Error('no ledger'))],
    [
      'throws',
      () => {
        throw new Error('no ledger')
      },
    ],
  ] as const)(
    'a settlement that %s errors the stream and tells whoever waits',
    async (_, settle) => {
      const { body, ended } = openDataset(request({ runs: 1, max_reactions: 2 }), {
        format: 'ndjson',
        fallbackSeed: 3,
        settle,
      })
      await expect(new Response(body).text()).rejects.toThrow('no ledger')
      await expect(ended).rejects.toThrow('no ledger')
    },
  )
})

describe('work that finds nothing for long', () => {
  /** What somebody else's request would be given: a task of its own, not only what follows on a promise. */
  const othersTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

  /** Never a row, but for the first; tells of each moment in which others may go on. */
  function* fruitless(onMoment: () => void) {
    yield { text: 'the first\n', rows: 1, reactions: 1 }
    for (;;) {
      yield { text: '', rows: 0, reactions: 0 }
      onMoment()
    }
  }
  function start(onMoment: () => void, signal?: AbortSignal) {
    const settled: number[] = []
    const { body, ended } = settledStream(
      { pieces: fruitless(onMoment), closing: () => 'the end' },
      {
        end: { seed: 1, algorithm: 'a-1' },
        settle: async (reactions) => void settled.push(reactions),
        ...(signal && { signal }),
      },
    )
    return { reader: body.getReader(), ended, settled }
  }

  test('has sent what it had, and ends when its caller leaves', async () => {
    const client = new AbortController()
    const moment = Promise.withResolvers<void>()
    const { reader, ended, settled } = start(moment.resolve, client.signal)
    expect(lines([(await reader.read()).value])).toBe(1)
    const stopped = expect(reader.read()).rejects.toThrow('stopped')
    await moment.promise
    await othersTurn()
    client.abort()
    await stopped
    await ended
    expect(settled).toEqual([1])
  })

  test('ends when its reader cancels', async () => {
    const moment = Promise.withResolvers<void>()
    const { reader, settled } = start(moment.resolve)
    await reader.read()
    const next = reader.read()
    await moment.promise
    await othersTurn()
    await reader.cancel()
    expect((await next).done).toBe(true)
    expect(settled).toEqual([1])
  })
})

describe("the request's signal", () => {
  test('stops the work and settles what was delivered, without a cancel', async () => {
    const client = new AbortController()
    const { reader, settled, ended, spent } = started(BIG, { signal: client.signal })
    const first = await reader.read()
    client.abort()
    await ended
    expect(settled).toEqual([lines([first.value])])
    await expect(reader.read()).rejects.toThrow('stopped')
    expect(spent()).toBe(settled[0])
  })

  test('that aborted before begins nothing', async () => {
    const { reader, settled, ended } = started(BIG, { signal: AbortSignal.abort() })
    await ended
    await expect(reader.read()).rejects.toThrow('stopped')
    expect(settled).toEqual([0])
  })

  test('after the end changes nothing', async () => {
    const client = new AbortController()
    const { reader, settled } = started({ runs: 1, max_reactions: 3 }, { signal: client.signal })
    while (!(await reader.read()).done);
    client.abort()
    await idle()
    expect(settled).toEqual([3])
  })
})
