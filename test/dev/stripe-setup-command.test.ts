// `npm run stripe:setup` as a command: which account, what it writes, what it says when it cannot.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { announce } from '../../dev/stack-file.ts'
import { stripeSetup } from '../../dev/stripe-setup/command.ts'
import { withVars } from '../../dev/stripe-setup/vars-file.ts'
import { command, posts, startSetup } from './stripe-setup-run.ts'

const TEST_KEY = 'sk_test_51ofNobody'
const LIVE_KEY = 'sk_live_51ofNobody'

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-setup-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('the local stack has been set up by the same code: nothing to change', async () => {
  const { stripeApiBase, stripeSecretKey, prices, portalConfiguration } = inject('stack')
  const said: string[] = []
  const code = await stripeSetup(['--dry-run'], {
    env: { STRIPE_SECRET_KEY: stripeSecretKey, STRIPE_API_BASE: stripeApiBase },
    say: (text) => said.push(text),
    complain: (text) => said.push(text),
  })
  const output = said.join('\n')
  expect(output).not.toMatch(/^ {2}(change|create {2}(product|price|portal))/m)
  expect(output).toContain(`STRIPE_PRICE_ID_PRO=${prices.pro}`)
  expect(output).toContain(`STRIPE_PORTAL_CONFIGURATION_ID=${portalConfiguration}`)
  expect(code).toBe(0)
})

test('a stack that runs is what is meant where no key is set; its variables are written to no file', async () => {
  const { folder, env, sim } = await startSetup()
  const { STRIPE_API_BASE: stripeApiBase = '', STRIPE_SECRET_KEY: stripeSecretKey = '' } = env
  mkdirSync(join(folder, '.stack'))
  announce(join(folder, '.stack'), { ...inject('stack'), stripeApiBase, stripeSecretKey })
  const args = ['--write', '--yes', '--url', 'https://worker.example.com']
  const { code, output } = await command(folder, args, {})
  expect(output).toContain('is for a Worker at that URL')
  expect(output).toContain('Nothing is written to')
  expect(output).not.toContain('Set STRIPE_WEBHOOK_SECRET now')
  expect(code).toBe(0)
  expect(sim.data.prices.size).toBe(3)
  expect(readdirSync(folder)).toEqual(['.stack'])
})

describe('which account', () => {
  test.each([
    ['no key', {}, [], /STRIPE_SECRET_KEY is not set.*dashboard\.stripe\.com\/test\/apikeys/],
    ['a publishable key', { STRIPE_SECRET_KEY: 'pk_test_51x' }, [], /is the publishable key/],
    ['no key of Stripe', { STRIPE_SECRET_KEY: 'hush-hush' }, [], /is no secret key/],
    ['a live key', { STRIPE_SECRET_KEY: LIVE_KEY }, [], /is a live key.*--live/],
    ['a live restricted key', { STRIPE_SECRET_KEY: 'rk_live_51ofNobody' }, [], /is a live key/],
    ['a test key with --live', { STRIPE_SECRET_KEY: TEST_KEY }, ['--live'], /is a test key/],
    [
      'a live key that would be sent elsewhere',
      { STRIPE_SECRET_KEY: LIVE_KEY, STRIPE_API_BASE: 'http://127.0.0.1:9' },
      ['--live'],
      /STRIPE_API_BASE.*leads elsewhere/,
    ],
    [
      'an address that Stripe cannot reach',
      { STRIPE_SECRET_KEY: TEST_KEY },
      ['--url', 'http://localhost:8787'],
      /Stripe reaches no address of this machine/,
    ],
    [
      'a simulator that is away',
      { STRIPE_SECRET_KEY: TEST_KEY, STRIPE_API_BASE: 'http://127.0.0.1:9' },
      [],
      /Stripe does not answer.*npm run dev/,
    ],
    ['an unknown option', {}, ['--aply'], /--aply.*Usage:/s],
    ['a URL with a path', {}, ['--url', 'https://a.example/b'], /--url must be.*Usage:/s],
    ['a URL without TLS', {}, ['--url', 'http://a.example'], /--url must be/],
    ['a file that is not there', {}, ['--vars', 'nowhere.vars'], /no file nowhere\.vars/],
  ])('%s is refused before anything is sent', async (_, env, args, expected) => {
    const folder = emptyFolder()
    const file = join(folder, 'vars')
    writeFileSync(file, '')
    const said: string[] = []
    const complain = (text: string) => void said.push(text)
    const all = ['--vars', file, ...args]
    const code = await stripeSetup(all, { env, stackFolder: folder, say: complain, complain })
    const output = said.join('\n')
    expect(output).toMatch(expected)
    expect(code).toBe(1)
    expect(output).not.toMatch(/ofNobody|hush|\n\s+at /)
  })

  test('a live key ends the command with status 1, and is not shown', async () => {
    const { code, output } = await command(emptyFolder(), [], { STRIPE_SECRET_KEY: LIVE_KEY })
    expect(code).toBe(1)
    expect(output).toMatch(/is a live key/)
    expect(output).not.toMatch(/ofNobody|\n\s+at /)
  })

  test('--help tells the options', async () => {
    const { code, output } = await command(emptyFolder(), ['--help'], {})
    expect(code).toBe(0)
    expect(output).toMatch(/--url.*--yes.*--dry-run.*--write.*--vars.*--live/s)
  })
})

test('a key that Stripe does not know', async () => {
  const setup = await startSetup()
  setup.env.STRIPE_SECRET_KEY = TEST_KEY
  const { code, output } = await setup.run()
  expect(code).toBe(1)
  expect(output).toMatch(/does not know this STRIPE_SECRET_KEY/)
  expect(output).not.toContain(TEST_KEY)
})

test('a restricted key without the right is told which right', async () => {
  const setup = await startSetup()
  setup.refuse = (request) =>
    request === 'POST /v1/prices'
      ? Response.json(
          {
            error: {
              type: 'invalid_request_error',
              message: `The provided key '${setup.env.STRIPE_SECRET_KEY}' does not have the required permissions for this endpoint. Having the 'rak_plan_write' permission would allow this request to continue.`,
            },
          },
          { status: 403 },
        )
      : undefined
  const { code, output } = await setup.run()
  expect(code).toBe(1)
  expect(output).toMatch(/lacks rak_plan_write.*Products, Prices, Webhook Endpoints and Customer/)
  expect(output).not.toContain(setup.env.STRIPE_SECRET_KEY)
  // What was made is found again.
  delete setup.refuse
  await setup.run(['--yes'])
  expect(setup.sim.data.products.size).toBe(3)
})

describe('--write', () => {
  const worker = ['--url', 'https://worker.example.com', '--yes']

  test('makes the file, for its owner alone', async () => {
    const setup = await startSetup()
    const { vars } = await command(setup.folder, ['--write', ...worker], setup.env)
    const file = join(setup.folder, '.dev.vars')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(Object.keys(vars)).toHaveLength(5)
    for (const [name, value] of Object.entries(vars)) {
      expect(readFileSync(file, 'utf8')).toContain(`${name}=${value}\n`)
    }
    expect(readdirSync(setup.folder)).toEqual(['.dev.vars'])
  })

  test('replaces the lines of the variables, and leaves the rest of another file as it is', async () => {
    const setup = await startSetup()
    const file = join(setup.folder, 'staging.vars')
    const before = `# Mine\nSTRIPE_SECRET_KEY=${setup.env.STRIPE_SECRET_KEY}\nSTRIPE_PRICE_ID_PRO=price_gone # old\n\n# STRIPE_PRICE_ID_HOBBY=\nTRIAL_DAYS=14`
    writeFileSync(file, before, { mode: 0o640 })
    const { STRIPE_API_BASE = '' } = setup.env
    const args = ['--write', '--vars', 'staging.vars', ...worker]
    const { vars, output, code } = await command(setup.folder, args, { STRIPE_API_BASE })
    expect(code).toBe(0)
    expect(output).toContain('price_gone, which is set today, is no price of this account')
    const lines = readFileSync(file, 'utf8').split('\n')
    expect(lines.slice(0, 6)).toEqual([
      '# Mine',
      `STRIPE_SECRET_KEY=${setup.env.STRIPE_SECRET_KEY}`,
      `STRIPE_PRICE_ID_PRO=${vars.STRIPE_PRICE_ID_PRO}`,
      '',
      '# STRIPE_PRICE_ID_HOBBY=',
      'TRIAL_DAYS=14',
    ])
    expect(lines).toContain(`STRIPE_WEBHOOK_SECRET=${vars.STRIPE_WEBHOOK_SECRET}`)
    expect(statSync(file).mode & 0o777).toBe(0o640)

    setup.requests.length = 0
    const again = await command(setup.folder, args, { STRIPE_API_BASE })
    expect(again.output).toMatch(/staging\.vars has them\..*Nothing to change\./s)
    expect(readFileSync(file, 'utf8')).toBe(lines.join('\n'))
    expect(posts(setup)).toEqual([])
  })

  test('--dry-run writes nothing', async () => {
    const setup = await startSetup()
    await command(setup.folder, ['--write', '--dry-run', ...worker], setup.env)
    expect(readdirSync(setup.folder)).toEqual([])
  })

  test('a price that was set by hand and exists stays in the variable', async () => {
    const setup = await startSetup()
    const { id: product } = await setup.stripe.products.create({ name: 'From before' })
    const { id } = await setup.stripe.prices.create({
      product,
      currency: 'usd',
      unit_amount: 100,
      recurring: { interval: 'month' },
    })
    setup.env.STRIPE_PRICE_ID_HOBBY = ` ${id}, price_gone`
    const { vars } = await setup.run()
    expect(vars.STRIPE_PRICE_ID_HOBBY).toMatch(new RegExp(`^price_\\w+,${id}$`))
  })
})

test.each([
  ['', { A: '1' }, 'A=1\n'],
  ['A=0', { A: '1' }, 'A=1\n'],
  ['# A=0\r\nB=2\r\n', { A: '1' }, '# A=0\r\nB=2\r\nA=1\r\n'],
  ['export A = 0\nAA=3\nA=4\n', { A: '1' }, 'A=1\nAA=3\n'],
  ['X_A=0\n', { A: '1' }, 'X_A=0\nA=1\n'],
])('%j with %j', (text, values, expected) => {
  expect(withVars(text, values)).toBe(expected)
})
