// The configuration: one error names everything that is wrong, and never a value.
import { describe, expect, test } from 'vitest'
import { ConfigError, parseEnv, readVariables } from '../src/env.ts'

const complete = {
  DATABASE_URL: 'postgres://u:p@ep-x.neon.tech/db',
  UPSTASH_REDIS_REST_URL: 'https://x.upstash.io',
  UPSTASH_REDIS_REST_TOKEN: 'token',
  JWT_SECRET_KEY: 'q3J9x0TqU1pYw7bC5nRz8sLkM2vE4hGd',
  STRIPE_SECRET_KEY: 'sk_test_1',
  STRIPE_PUBLISHABLE_KEY: 'pk_test_1',
  STRIPE_WEBHOOK_SECRET: 'whsec_1',
  STRIPE_PRICE_ID_HOBBY: 'price_h',
  STRIPE_PRICE_ID_RESEARCH: 'price_r',
  STRIPE_PRICE_ID_PRO: 'price_p',
}

function problemsOf(bindings: object): readonly string[] {
  try {
    parseEnv(bindings)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

describe('parseEnv', () => {
  test('takes a complete configuration, with the defaults of the contract', () => {
    expect(parseEnv(complete)).toMatchObject({
      databaseTimeoutMs: 3000,
      redis: { url: 'https://x.upstash.io', token: 'token', timeoutMs: 300 },
      pastDueGraceDays: 3,
      trialDays: 0,
      prices: { hobby: ['price_h'] },
    })
  })

  test('names every variable that is missing, at once', () => {
    const problems = problemsOf({}).join('\n')
    for (const name of Object.keys(complete)) expect(problems).toContain(`${name} is missing`)
  })

  test.each(Object.keys(complete))('an empty %s is a missing one', (name) => {
    expect(problemsOf({ ...complete, [name]: '  ' }).join()).toContain(`${name} is missing`)
  })

  test.each([
    ['DATABASE_URL', 'mysql://u:hush@h/d'],
    ['DATABASE_URL', 'postgres://u:hu#sh@h/d'],
    ['DATABASE_URL', 'postgres://u:1#hush@h/d'],
    ['DATABASE_URL', 'postgres://h/hush'],
    ['UPSTASH_REDIS_REST_URL', 'redis://hush'],
    ['JWT_SECRET_KEY', 'hush-short'],
    ['JWT_SECRET_KEY', 'your-secret-key-change-in-production-hush'],
    ['JWT_SECRET_KEY', 'a'.repeat(40)],
    ['API_KEY_SECRET', 'hush-short'],
    ['STRIPE_SECRET_KEY', 'pk_test_hush'],
    ['STRIPE_PUBLISHABLE_KEY', 'sk_test_hush'],
    ['STRIPE_WEBHOOK_SECRET', 'hush'],
    ['STRIPE_SECRET_KEY', 'sk_test_'],
    ['STRIPE_SECRET_KEY', 'sk_test_hush…'],
    ['UPSTASH_REDIS_REST_TOKEN', 'hush…'],
    ['STRIPE_PUBLISHABLE_KEY', 'pk_test_'],
    ['STRIPE_WEBHOOK_SECRET', 'whsec_'],
    ['STRIPE_PRICE_ID_HOBBY', 'price_'],
    ['STRIPE_PRICE_ID_HOBBY', 'price_a,price_'],
    ['STRIPE_PRICE_ID_PRO', 'price_a,hush'],
    ['STRIPE_PRICE_ID_PRO', ','],
    ['STRIPE_API_BASE', 'hush'],
    ['PAST_DUE_GRACE_DAYS', '-1'],
    ['PAST_DUE_GRACE_DAYS', '366'],
    ['TRIAL_DAYS', 'hush'],
    ['TRIAL_DAYS', '731'],
    ['TRIAL_DAYS', '1e1'],
    ['REDIS_TIMEOUT_MS', '0'],
    ['REDIS_TIMEOUT_MS', '60001'],
    ['DATABASE_TIMEOUT_MS', '60001'],
    ['PAYWALL_MEMORY_SECONDS', 'hush'],
    ['PAYWALL_STALE_SECONDS', '-1'],
    ['ORIGIN_URL', 'http://hush.example.com'],
    ['ORIGIN_URL', 'hush'],
    ['ORIGIN_URL', 'https://user:hush@api.example.com'],
    ['ORIGIN_URL', 'https://hush@api.example.com'],
    ['ORIGIN_URL', 'https://api.example.com/?hush=1'],
    ['ORIGIN_URL', 'https://api.example.com/?'],
    ['ORIGIN_URL', 'https://api.example.com/#hush'],
    ['ORIGIN_URL', 'http://127.0.0.1.hush.example.com'],
    ['ORIGIN_URL', 'ftp://hush.example.com'],
    ['ORIGIN_SIGNING_SECRET', 'hush-short'],
    ['ALLOWED_REDIRECT_ORIGINS', 'hush'],
    ['ALLOWED_REDIRECT_ORIGINS', 'hush,hush'],
    ['ALLOWED_REDIRECT_ORIGINS', ' , '],
  ])('refuses %s=%s and never shows the value', (name, value) => {
    const problems = problemsOf({ ...complete, [name]: value })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(name)
    expect(problems[0]).not.toMatch(/hush|aaaa/)
  })

  test.each([
    ['TRIAL_DAYS', '730'],
    ['PAST_DUE_GRACE_DAYS', '365'],
    ['REDIS_TIMEOUT_MS', '60000'],
    ['PAYWALL_MEMORY_SECONDS', '0'],
    ['ORIGIN_SIGNING_SECRET', 'q3J9x0TqU1pYw7bC5nRz8sLkM2vE4hGd'],
    ['DATABASE_URL', 'postgresql://u:p%23@[::1]:5432/d?sslmode=require'],
  ])('takes %s=%s', (name, value) => {
    expect(problemsOf({ ...complete, [name]: value })).toEqual([])
  })

  test('trims white space around secrets: a trailing newline breaks signatures', () => {
    const config = parseEnv({ ...complete, STRIPE_WEBHOOK_SECRET: ' whsec_1\n' })
    expect(config.stripe.webhookSecret).toBe('whsec_1')
  })

  test('takes REDIS_HOST and REDIS_PASSWORD where the REST variables are absent', () => {
    const { UPSTASH_REDIS_REST_URL: _, UPSTASH_REDIS_REST_TOKEN: __, ...rest } = complete
    const redis = { REDIS_HOST: 'y.upstash.io', REDIS_PASSWORD: 'pw', REDIS_PORT: '6379' }
    expect(parseEnv({ ...rest, ...redis }).redis).toMatchObject({
      url: 'https://y.upstash.io',
      token: 'pw',
    })
    expect(parseEnv({ ...complete, ...redis }).redis.token).toBe('token')
  })

  test('takes several prices of a tier, and no price for two tiers', () => {
    const prices = parseEnv({ ...complete, STRIPE_PRICE_ID_PRO: 'price_a, price_b,' }).prices
    expect(prices.pro).toEqual(['price_a', 'price_b'])
    expect(problemsOf({ ...complete, STRIPE_PRICE_ID_PRO: 'price_h' })).toHaveLength(1)
  })

  test('says what is wrong across variables beside what is wrong with one', () => {
    const problems = problemsOf({
      ...complete,
      JWT_SECRET_KEY: 'short',
      STRIPE_PRICE_ID_PRO: 'price_h',
      ORIGIN_URL: 'https://api.example.com',
    })
    expect(problems).toEqual([
      expect.stringContaining('JWT_SECRET_KEY must have'),
      expect.stringContaining('STRIPE_PRICE_ID_PRO shares a price with STRIPE_PRICE_ID_HOBBY'),
      expect.stringContaining('ORIGIN_SIGNING_SECRET is missing'),
    ])
  })

  describe('the origin', () => {
    const secret = 'q3J9x0TqU1pYw7bC5nRz8sLkM2vE4hGd'
    const origin = (vars: object) => parseEnv({ ...complete, ...vars }).origin

    test.each([
      ['https://api.example.com', 'https://api.example.com/'],
      ['https://api.example.com/v2', 'https://api.example.com/v2/'],
      ['https://api.example.com/v2/', 'https://api.example.com/v2/'],
      ['http://127.0.0.1:9000', 'http://127.0.0.1:9000/'],
      ['http://[::1]:9000', 'http://[::1]:9000/'],
    ])('%s is a base to build on', (url, href) => {
      const parsed = origin({ ORIGIN_URL: url, ORIGIN_SIGNING_SECRET: secret })
      expect([parsed?.url.href, parsed?.signingSecret]).toEqual([href, secret])
    })

    test('needs its secret: without one it could not tell us from a stranger', () => {
      const problems = problemsOf({ ...complete, ORIGIN_URL: 'https://api.example.com' })
      expect(problems).toEqual([expect.stringContaining('ORIGIN_SIGNING_SECRET is missing')])
    })

    test('is absent by default; a secret alone is harmless', () => {
      expect(origin({})).toBeUndefined()
      expect(origin({ ORIGIN_SIGNING_SECRET: secret })).toBeUndefined()
    })
  })

  test('keys have a secret of their own, whether given or derived', () => {
    const derived = parseEnv(complete).apiKeySecrets
    expect(derived).toHaveLength(1)
    expect(Buffer.from(derived[0]).toString()).not.toContain(complete.JWT_SECRET_KEY)
    const given = parseEnv({
      ...complete,
      API_KEY_SECRET: 'Zx'.repeat(20),
      API_KEY_SECRET_PREVIOUS: 'Yw'.repeat(20),
    }).apiKeySecrets
    expect(given.map((bytes) => Buffer.from(bytes).toString())).toEqual([
      'Zx'.repeat(20),
      'Yw'.repeat(20),
    ])
  })
})

test('readVariables gives what is right although others are wrong', () => {
  const { values, problems } = readVariables({
    REDIS_HOST: 'y.upstash.io',
    STRIPE_PRICE_ID_PRO: 'price_a, price_b',
    TRIAL_DAYS: 'many',
  })
  expect(values).toMatchObject({
    UPSTASH_REDIS_REST_URL: 'https://y.upstash.io',
    STRIPE_PRICE_ID_PRO: ['price_a', 'price_b'],
    PAST_DUE_GRACE_DAYS: 3,
  })
  expect(values).not.toHaveProperty('TRIAL_DAYS')
  expect(problems).toContainEqual({ name: 'DATABASE_URL', reason: 'is missing' })
  expect(problems).toContainEqual({
    name: 'UPSTASH_REDIS_REST_TOKEN',
    reason: 'is missing (or REDIS_PASSWORD)',
  })
})
