// The stack as a command: one JSON line, clear errors, nothing left behind.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import Stripe from 'stripe'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import type { StackInfo } from '../../dev/stack-info.ts'
import { freePorts } from './ports.ts'

const STACK = join(import.meta.dirname, '../../dev/stack.ts')
const children: ChildProcess[] = []

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
})

interface Run {
  child: ChildProcess
  firstLine: Promise<string>
  ended: Promise<{ code: number | null; stderr: string }>
}

/** Starts `npm run stack` in a folder of its own. */
function start(folder: string, env: Record<string, string>, ...options: string[]): Run {
  const { LOCAL_POSTGRES_URL: _, LOCAL_REDIS_URL: __, ...clean } = process.env
  const child = spawn(process.execPath, [STACK, ...options], {
    cwd: folder,
    env: { ...clean, ...env },
  })
  children.push(child)
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  return {
    child,
    firstLine: once(createInterface(child.stdout), 'line').then(([line]) => line),
    ended: once(child, 'exit').then(([code]) => ({ code, stderr })),
  }
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tollgate-stack-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

async function occupy(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return server
}

const isOpen = async (url: string) =>
  fetch(url).then(
    () => true,
    () => false,
  )

const originsOf = ({ stripeApiBase, redisUrl, databaseUrl }: StackInfo) =>
  [stripeApiBase, redisUrl, `http://${new URL(databaseUrl).host}`] as const

/** What only tests and benchmarks are served: method, path, body, and the status that shows it. */
const CONTROLS = [
  ['POST', '/_faults', { match: { path: '/nowhere' }, fault: { kind: 'reset' } }, 201],
  ['PUT', '/_latency', { roundTripMs: 1 }, 204],
  ['DELETE', '/_meter', undefined, 204],
] as const

describe('npm run stack', () => {
  test('prints one JSON line of what it serves, keeps its data, and ends without a trace', async () => {
    const [place, port] = [folder(), await freePorts()]
    const first = start(place, { STACK_PORT: String(port) })
    const info: StackInfo = JSON.parse(await first.firstLine)
    expect(info).toMatchObject({
      stripeApiBase: `http://127.0.0.1:${port}`,
      redisUrl: `http://127.0.0.1:${port + 2}`,
      databaseUrl: expect.stringContaining(`127.0.0.1:${port + 1}/`),
      postgresUrl: expect.stringContaining(`:${port + 3}/`),
      prices: {
        hobby: expect.stringMatching(/^price_/),
        research: expect.any(String),
        pro: expect.any(String),
      },
      portalConfiguration: expect.stringMatching(/^bpc_/),
    })
    const stripe = (at: StackInfo) =>
      new Stripe(at.stripeSecretKey, {
        host: '127.0.0.1',
        port,
        protocol: 'http',
        telemetry: false,
      })
    const customer = await stripe(info).customers.create({ email: 'ada@example.com' })
    first.child.kill('SIGTERM')
    expect(await first.ended).toMatchObject({ code: 0 })
    expect(await isOpen(info.stripeApiBase)).toBe(false)

    const second = start(place, { STACK_PORT: String(port) })
    const again: StackInfo = JSON.parse(await second.firstLine)
    expect(again).toEqual(info)
    expect((await stripe(again).customers.retrieve(customer.id)).id).toBe(customer.id)
    second.child.kill('SIGINT')
    expect((await second.ended).code).toBe(0)
  })

  test.each([0, 1, 2, 3])(
    'names a port that is taken (offset %i) and leaves nothing running',
    async (offset) => {
      const [place, port] = [folder(), await freePorts()]
      await occupy(port + offset)
      const { code, stderr } = await start(place, { STACK_PORT: String(port) }).ended
      expect(code).toBe(1)
      expect(stderr).toContain(`${port + offset}`)
      expect(stderr).toContain('STACK_PORT')
      expect(stderr).not.toMatch(/\n\s+at /)
    },
  )

  test.each([
    [{ STACK_PORT: 'http' }, /STACK_PORT=http/],
    [{ LOCAL_POSTGRES_URL: 'postgres://u:hush@127.0.0.1:9/d' }, /127\.0\.0\.1:9/],
    [{ LOCAL_REDIS_URL: 'redis://:hush@127.0.0.1:9' }, /127\.0\.0\.1:9/],
  ])('says what is wrong with %j, and never a password', async (env, expected) => {
    const { code, stderr } = await start(folder(), {
      STACK_PORT: String(await freePorts()),
      ...env,
    }).ended
    expect(code).toBe(1)
    expect(stderr).toMatch(expected)
    expect(stderr).not.toMatch(/hush|\n\s+at /)
  })

  test('a second one in the same folder is refused before it touches the data', async () => {
    const place = folder()
    const first = start(place, { STACK_PORT: String(await freePorts()) })
    await first.firstLine
    // A Postgres of their own is no folder of the stack's: what both would write is Stripe's state.
    const second = start(place, {
      STACK_PORT: '0',
      LOCAL_POSTGRES_URL: 'postgres://u:hush@127.0.0.1:9/d',
    })
    const { code, stderr } = await second.ended
    expect(code).toBe(1)
    expect(stderr).toContain(`process ${first.child.pid}`)
  })

  test('serves no faults, latency or meter to a developer, whose browser visits other sites', async () => {
    const { firstLine } = start(folder(), { STACK_PORT: String(await freePorts()) })
    const info: StackInfo = JSON.parse(await firstLine)
    for (const origin of originsOf(info)) {
      for (const [method, path, body] of CONTROLS) {
        const { status } = await fetch(origin + path, { method, body: JSON.stringify(body) })
        expect([401, 404, 405]).toContain(status)
      }
    }
  })

  test('in memory ends with whoever started it, and serves faults, latency and meter', async () => {
    const { child, firstLine, ended } = start(folder(), {}, '--memory')
    const info: StackInfo = JSON.parse(await firstLine)
    for (const origin of originsOf(info)) {
      for (const [method, path, body, expected] of CONTROLS) {
        const { status } = await fetch(origin + path, { method, body: JSON.stringify(body) })
        expect(status).toBe(expected)
      }
    }
    const [stripe, redis, neon] = originsOf(info)
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
    await fetch(`${stripe}/v1/prices`, { headers: bearer(info.stripeSecretKey) })
    await fetch(`${redis}/pipeline`, {
      method: 'POST',
      headers: bearer(info.redisToken),
      body: '[["PING"],["PING"]]',
    })
    await fetch(`${neon}/sql`, {
      method: 'POST',
      headers: { 'neon-connection-string': info.databaseUrl },
      body: '{"queries":[{"query":"SELECT 1"},{"query":"SELECT 2"},{"query":"SELECT 3"}]}',
    })
    const counts = originsOf(info).map(async (origin) => (await fetch(`${origin}/_meter`)).json())
    expect(await Promise.all(counts)).toEqual([
      { requests: 1, commands: 1 },
      { requests: 1, commands: 2 },
      { requests: 1, commands: 3 },
    ])
    child.stdin?.end()
    expect((await ended).code).toBe(0)
  })
})
