// The Redis client on the wire: one attempt, one request a command, strings as they are.
import { describe, expect, test } from 'vitest'
import { testApp, unique } from '../support/app.ts'
import { inject } from '../support/faults.ts'

const { redis } = testApp().deps
const ECHO = 'return ARGV[1]'
const FAILING = { kind: 'status', status: 500, body: '{"error":"ERR"}' } as const

describe('a request to Redis', () => {
  test('whose connection breaks is not sent again: the caller has another source to ask', async () => {
    const value = unique('once')
    const broken = await inject('redis', {
      match: { bodyIncludes: value },
      fault: { kind: 'reset' },
      times: 1,
    })
    await expect(redis.evaluate(ECHO, [], [value])).rejects.toThrow()
    await broken.hit()
    // A second attempt would have been answered: the fault lasts for one request.
    expect(await redis.evaluate(ECHO, [], [value])).toBe(value)
  })

  test('carries one command: a neighbour in the same moment fails alone', async () => {
    const [poor, rich] = [unique('poor'), unique('rich')]
    await inject('redis', { match: { bodyIncludes: poor }, fault: FAILING })
    const answers = await Promise.allSettled([
      redis.evaluate(ECHO, [], [poor]),
      redis.evaluate(ECHO, [], [rich]),
    ])
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
  })

  test('that hangs ends by its time limit as a failure, not as "there is nothing"', async () => {
    const value = unique('slow')
    const { redis: impatient } = testApp({ REDIS_TIMEOUT_MS: '50' }).deps
    await inject('redis', { match: { bodyIncludes: value }, fault: { kind: 'hang' } })
    await expect(impatient.evaluate(ECHO, [], [value])).rejects.toThrow()
  })
})

test.each(['007', '12345678901234567890', '{"a":1}', 'null', 'é'])(
  'the string %j comes back as itself',
  async (value) => {
    expect(await redis.evaluate(ECHO, [], [value])).toBe(value)
  },
)
