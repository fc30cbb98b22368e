// What a developer puts into .dev.vars wins over the local stack, one by one.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { expect, test } from 'vitest'
import type { StackInfo } from '../../dev/stack-info.ts'
import { varsBeside, workerVars } from '../../dev/worker-vars.ts'

const stack = {
  DATABASE_URL: 'postgres://u:p@127.0.0.1:8791/d',
  UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:8792',
  UPSTASH_REDIS_REST_TOKEN: 'local',
}
const simulator = {
  STRIPE_SECRET_KEY: 'sk_test_local',
  STRIPE_PRICE_ID_HOBBY: 'price_local',
  STRIPE_API_BASE: 'http://127.0.0.1:8790',
}

test('a variable of their own replaces that of the stack, and no other; an empty one is absent', () => {
  const own = { DATABASE_URL: 'postgres://mine', UPSTASH_REDIS_REST_TOKEN: ' ' }
  expect(varsBeside(own, stack)).toEqual({
    UPSTASH_REDIS_REST_URL: stack.UPSTASH_REDIS_REST_URL,
    UPSTASH_REDIS_REST_TOKEN: 'local',
  })
})

test.each([{ REDIS_HOST: 'mine.upstash.io' }, { REDIS_PASSWORD: 'mine' }])(
  '%j of their own replaces both names that the stack has for Redis',
  (own) => {
    expect(varsBeside(own, stack)).toEqual({ DATABASE_URL: stack.DATABASE_URL })
  },
)

test('a Stripe key of their own belongs to an account that the simulator knows nothing of', () => {
  const own = { STRIPE_SECRET_KEY: 'sk_test_mine' }
  expect(varsBeside(own, { ...stack, ...simulator })).toEqual(stack)
  const one = { STRIPE_PRICE_ID_HOBBY: 'price_other' }
  expect(varsBeside(one, simulator)).toEqual({
    STRIPE_SECRET_KEY: simulator.STRIPE_SECRET_KEY,
    STRIPE_API_BASE: simulator.STRIPE_API_BASE,
  })
})

test('the example, copied as it is, takes nothing from the local stack', () => {
  const example = readFileSync(join(import.meta.dirname, '../../.dev.vars.example'), 'utf8')
  expect(varsBeside(parseEnv(example), stack)).toEqual(stack)
})

test('who pays a price that is sold no more has still bought the plan; the portal is ours', () => {
  const info: StackInfo = {
    databaseUrl: '',
    postgresUrl: '',
    redisUrl: '',
    redisToken: '',
    stripeApiBase: '',
    stripeDashboard: '',
    stripeSecretKey: '',
    stripePublishableKey: '',
    webhookSecret: '',
    jwtSecret: '',
    prices: { hobby: 'price_new', research: 'price_r', pro: 'price_p' },
    formerPrices: { hobby: ['price_old'], research: [], pro: [] },
    portalConfiguration: 'bpc_ours',
  }
  expect(workerVars(info)).toMatchObject({
    STRIPE_PRICE_ID_HOBBY: 'price_new,price_old',
    STRIPE_PRICE_ID_PRO: 'price_p',
    STRIPE_PORTAL_CONFIGURATION_ID: 'bpc_ours',
  })
})
