// Where the commands take their variables from.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { beforeEach, expect, test } from 'vitest'
import { readCommandVars } from '../../dev/command-vars.ts'
import { announce } from '../../dev/stack-file.ts'
import type { StackInfo } from '../../dev/stack-info.ts'

const info: StackInfo = {
  databaseUrl: 'postgres://u:p@127.0.0.1:8791/d',
  postgresUrl: 'postgres://127.0.0.1:8793/d',
  redisUrl: 'http://127.0.0.1:8792',
  redisToken: 'token',
  stripeApiBase: 'http://127.0.0.1:8790',
  stripeDashboard: 'http://127.0.0.1:8790/dashboard',
  stripeSecretKey: 'sk_test_local',
  stripePublishableKey: 'pk_test_local',
  webhookSecret: 'whsec_local',
  jwtSecret: 'x'.repeat(48),
  prices: { hobby: 'price_h', research: 'price_r', pro: 'price_p' },
  portalConfiguration: 'bpc_ours',
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-vars-'))
})
const varsFile = (text: string) => {
  const file = join(folder, 'vars')
  writeFileSync(file, text)
  return file
}

test('the environment comes first, then the file, then the stack that runs', () => {
  announce(folder, info)
  const file = varsFile('DATABASE_URL=postgres://file\nTRIAL_DAYS=14\nJWT_SECRET_KEY= \n')
  const env = { DATABASE_URL: 'postgres://environment', PATH: '/bin' }
  const { vars, sources } = readCommandVars(file, { folder, env })
  expect(vars).toMatchObject({
    DATABASE_URL: 'postgres://environment',
    TRIAL_DAYS: '14',
    JWT_SECRET_KEY: info.jwtSecret,
    STRIPE_SECRET_KEY: 'sk_test_local',
  })
  expect(vars).not.toHaveProperty('PATH')
  expect(sources).toMatchObject({
    DATABASE_URL: 'environment',
    TRIAL_DAYS: 'file',
    STRIPE_PRICE_ID_PRO: 'local stack',
  })
})

test('a stack that has ended is asked nothing', async () => {
  await announce(folder, info)()
  expect(readCommandVars(varsFile(''), { folder, env: {} }).vars).toEqual({})
})

test('a file that was named and is not there is an error that names it', () => {
  expect(() => readCommandVars('nowhere.vars', { folder, env: {} })).toThrow('nowhere.vars')
})

test('every variable of the example is read', async () => {
  const { readFileSync } = await import('node:fs')
  const example = readFileSync(join(import.meta.dirname, '../../.dev.vars.example'), 'utf8')
  const all = Object.keys(parseEnv(example.replaceAll(/^# (?=[A-Z_]+=)/gm, '')))
  expect(all.length).toBeGreaterThan(20)
  const file = varsFile(all.map((name) => `${name}=x`).join('\n'))
  expect(Object.keys(readCommandVars(file, { folder, env: {} }).vars)).toEqual(
    expect.arrayContaining(all.filter((name) => !/^REDIS_(PORT|USERNAME)$/.test(name))),
  )
})
