// `npm run stripe:setup` against the simulator behind a door that counts and refuses.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { serve } from '../../dev/serve.ts'
import { stripeSetup } from '../../dev/stripe-setup/command.ts'
import { SECRET_KEY, type ServedApi, startApi } from './stripe-api-client.ts'

const COMMAND = join(import.meta.dirname, '../../dev/stripe-setup.ts')

export const WORKER = 'https://worker.example.com'
export const WEBHOOK = `${WORKER}/api/v1/billing/webhooks/stripe`

export interface Ran {
  code: number
  output: string
  /** `STRIPE_…=…` lines. */
  vars: Record<string, string>
}

export interface Setup extends ServedApi {
  /** Where the command runs: nothing of this project's own is in it. */
  folder: string
  /** Method and path of each request that came through the door, since it was last emptied. */
  requests: string[]
  /** Answers in Stripe's place, or waits. */
  refuse?: (request: string) => Promise<Response | undefined> | Response | undefined
  /** In this process, with `.dev.vars` of the folder. */
  run(args?: string[]): Promise<Ran>
  /** The key and the door. */
  env: Record<string, string>
}

export async function startSetup(): Promise<Setup> {
  const api = await startApi({ now: Date.now })
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-setup-'))
  const requests: string[] = []
  const run = () => Promise.reject(new Error('not yet'))
  const setup: Setup = { ...api, folder, requests, run, env: {} }
  const door = await serve(
    {
      fetch: async (request) => {
        const name = `${request.method} ${new URL(request.url).pathname}`
        requests.push(name)
        return (await setup.refuse?.(name)) ?? api.sim.api.fetch(request)
      },
    },
    0,
    'the door',
  )
  setup.env = { STRIPE_SECRET_KEY: SECRET_KEY, STRIPE_API_BASE: door.url }
  setup.run = async (args = []) => {
    const said: string[] = []
    const say = (text: string) => void said.push(text)
    const file = ['--vars', join(folder, '.dev.vars'), '--write']
    const code = await stripeSetup([...file, ...args], { env: setup.env, say, complain: say })
    return ran(code, said.join('\n'))
  }
  onTestFinished(async () => {
    await door.close()
    await api.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return setup
}

/** An account that has everything. */
export async function complete(): Promise<Setup> {
  const setup = await startSetup()
  const { code, output } = await setup.run(['--url', WORKER, '--yes'])
  expect(output).toContain('done.')
  expect(code).toBe(0)
  setup.requests.length = 0
  return setup
}

/** As a process of its own, as npm runs it. */
export async function command(
  cwd: string,
  args: string[],
  env: Record<string, string>,
): Promise<Ran> {
  const clean = Object.entries(process.env).filter(
    ([name]) => !/^(STRIPE|REDIS|DATABASE)/.test(name),
  )
  const child = spawn(process.execPath, [COMMAND, ...args], {
    cwd,
    env: { ...Object.fromEntries(clean), ...env },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const [code] = await once(child, 'close')
  return ran(code, output)
}

function ran(code: number, output: string): Ran {
  const found = output.matchAll(/^(STRIPE_\w+)=(.*)$/gm)
  return { code, output, vars: Object.fromEntries([...found].map(([, n = '', v = '']) => [n, v])) }
}

export const posts = ({ requests }: Setup): string[] =>
  requests.filter((request) => !request.startsWith('GET'))
