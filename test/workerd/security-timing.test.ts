// What the time of an answer tells: measured from outside, as an attacker would, against workerd (whose own clock stands
// still while it computes). The two things that must look alike are asked for in turn, so that whatever else the machine
// does happens to both; and what is judged is how often one took longer than the other, never a number of milliseconds.
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { mintApiKey } from '../../src/api-key.ts'
import { parseEnv } from '../../src/env.ts'
import { openAccounts } from '../bench/accounts.ts'
import { bundleOnce } from '../bench/bundle.ts'
import { Caller } from '../bench/caller.ts'
import { request } from '../bench/request.ts'
import { startWorkerd, type Workerd } from '../bench/workerd.ts'

const vars = inject('vars')
const folder = mkdtempSync(join(tmpdir(), 'tollgate-timing-'))
let worker: Workerd

beforeAll(async () => {
  const inputs = [...globSync('src/**/*.ts'), 'package-lock.json', 'wrangler.toml']
  const cache = 'node_modules/.cache/tollgate-security'
  const script = await bundleOnce('src/index.ts', folder, { cache, inputs })
  worker = await startWorkerd(script, {
    ...vars,
    DATABASE_TIMEOUT_MS: '60000',
    REDIS_TIMEOUT_MS: '10000',
  })
})
afterAll(async () => {
  await worker.close()
  rmSync(folder, { recursive: true, force: true })
})

/**
 * Of all pairs of one of `a` and one of `b`, the share in which `a` took longer (Mann-Whitney's U over its most): 0.5
 * where nothing can be told, 0 or 1 where a single answer tells all.
 */
function share(a: readonly number[], b: readonly number[]): number {
  let wins = 0
  for (const x of a) for (const y of b) wins += x > y ? 1 : x === y ? 0.5 : 0
  return wins / (a.length * b.length)
}

const median = (all: readonly number[]) =>
  all.toSorted((x, y) => x - y)[all.length >> 1] ?? Number.NaN

/** Asks for both in turn, each first as often as the other. */
async function alternate(
  times: number,
  requests: readonly [(i: number) => Buffer, (i: number) => Buffer],
  status: number,
): Promise<[number[], number[]]> {
  const caller = await Caller.open(worker.port)
  onTestFinished(() => caller.close())
  const took: [number[], number[]] = [[], []]
  for (let i = 0; i < times; i += 1) {
    for (const which of i % 2 ? ([0, 1] as const) : ([1, 0] as const)) {
      const answer = await caller.send(requests[which](i))
      expect(answer.status, answer.body).toBe(status)
      took[which].push(answer.ms)
    }
  }
  return took
}

let addresses = 0
function auth(path: string, email: string, password: string): Buffer {
  addresses += 1
  return request(`/api/v1/auth/${path}`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      // Another network each time: it is not the throttle that is to answer.
      'CF-Connecting-IP': `2001:db8:${addresses.toString(16)}::1`,
    },
    body: JSON.stringify({ email, password }),
  })
}

test('the measure tells what differs, and not what does not', () => {
  const noise = (i: number) => ((i * 7919) % 101) / 10
  const some = Array.from({ length: 60 }, (_, i) => 180 + noise(i))
  expect(share(some, some)).toBe(0.5)
  expect(
    share(
      some.map((ms) => ms + 20),
      some,
    ),
  ).toBe(1)
  expect(
    share(
      some.map((ms) => ms + 5),
      some,
    ),
  ).toBeGreaterThan(0.8)
})

// An unknown email that is not hashed for answers in a hundredth of the time: 0 of all pairs. Chance alone moves the
// share of 12 and 12 by 0.12 (one sigma).
test('an unknown email takes as long as a wrong password', async () => {
  const PAIRS = 12
  const people = Array.from(
    { length: PAIRS },
    (_, i) => `timing-${crypto.randomUUID()}-${i}@example.com`,
  )
  const caller = await Caller.open(worker.port)
  for (const email of people) {
    const { status, body } = await caller.send(auth('register', email, 'correct horse battery'))
    expect(status, body).toBe(200)
  }
  caller.close()
  const [unknown, wrong] = await alternate(
    PAIRS,
    [
      () => auth('login', `nobody-${crypto.randomUUID()}-1@example.com`, 'a wrong password'),
      (i) => auth('login', people[i] ?? '', 'a wrong password'),
    ],
    401,
  )
  const told = `${share(unknown, wrong)}: medians ${median(unknown)} and ${median(wrong)} ms`
  const ratio = median(unknown) / median(wrong)
  // Both at once: a share of chance has medians that are close, and medians that lie apart by chance overlap.
  const isTelling =
    Math.abs(share(unknown, wrong) - 0.5) > 0.38 && Math.abs(Math.log(ratio)) > Math.log(1.15)
  expect(isTelling, told).toBe(false)
})

describe('a key that does not prove itself is refused in the same time', () => {
  const SAMPLES = 300
  const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  const secret = parseEnv(vars).apiKeySecrets[0]
  const under = (other: Uint8Array, ids: { userId: string; keyId: string }) =>
    mintApiKey([other], ids)
  const ask = (path: string, key: string) => request(path, { headers: { 'X-API-Key': key } })
  const PATH = '/api/v1/billing/usage'

  /** The first secret whose tag of these ids agrees with ours in `bytes` of 16. */
  function agreeing(ids: { userId: string; keyId: string }, bytes: number): string {
    const tagOf = (key: string) => {
      const digits = key.slice(8, 64)
      const value = [...digits].reduce(
        (sum, digit) => sum * 62n + BigInt(ALPHABET.indexOf(digit)),
        0n,
      )
      return Buffer.from(value.toString(16).padStart(82, '0'), 'hex').subarray(25)
    }
    const ours = tagOf(mintApiKey([secret], ids))
    for (let i = 0; ; i += 1) {
      const key = under(Buffer.from(`secret ${i}`), ids)
      if (tagOf(key).subarray(0, bytes).equals(ours.subarray(0, bytes))) return key
    }
  }

  // Chance moves the share of 300 and 300 by 0.024 (one sigma).
  test.each<[string, () => Promise<[string, string]>]>([
    [
      'whether its tag is wrong from the first byte on or a byte later',
      async () => {
        const ids = { userId: crypto.randomUUID(), keyId: '0123456789abcdef' }
        return [agreeing(ids, 0), agreeing(ids, 1)]
      },
    ],
    [
      'whether its account exists or not',
      async () => {
        const [person] = await openAccounts(vars).create(1)
        const ids = { userId: person?.userId ?? '', keyId: '0123456789abcdef' }
        return [
          under(new Uint8Array(32), ids),
          under(new Uint8Array(32), { ...ids, userId: crypto.randomUUID() }),
        ]
      },
    ],
    [
      'whether its key id exists or not',
      async () => {
        const [person] = await openAccounts(vars).create(1)
        const userId = person?.userId ?? ''
        return [
          under(new Uint8Array(32), { userId, keyId: 'f'.repeat(16) }),
          under(new Uint8Array(32), { userId, keyId: '0'.repeat(16) }),
        ]
      },
    ],
  ])('%s', async (_, make) => {
    const [one, other] = await make()
    await alternate(20, [() => ask(PATH, one), () => ask(PATH, other)], 401)
    const [a, b] = await alternate(SAMPLES, [() => ask(PATH, one), () => ask(PATH, other)], 401)
    expect(Math.abs(share(a, b) - 0.5), `medians ${median(a)} and ${median(b)} ms`).toBeLessThan(
      0.15,
    )
  })
})
