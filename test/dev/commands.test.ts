// The commands through npm, ended as a terminal, a supervisor or CI ends them: nothing of theirs may go on.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { freePorts } from './ports.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Hangs end after this time; nothing is measured by it. */
const patience = { timeout: 40_000, interval: 50 }

interface Run {
  npm: ChildProcess
  ended: Promise<{ code: number | null; output: string }>
  output(): string
}

/** `npm run <script>` over this project's code, in a folder with data of its own. */
function run(script: string, env: Record<string, string>): Run {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-npm-'))
  copyFileSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
  for (const name of ['dev', 'node_modules']) symlinkSync(join(ROOT, name), join(folder, name))
  const { LOCAL_POSTGRES_URL: _, LOCAL_REDIS_URL: __, ...clean } = process.env
  const npm = spawn('npm', ['run', script], {
    cwd: folder,
    // Out of reach of the test's own terminal, and of what a failing test must clean up.
    detached: true,
    env: { ...clean, ...env },
  })
  let output = ''
  for (const stream of [npm.stdout, npm.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  onTestFinished(() => {
    if (npm.pid !== undefined) endGroup(npm.pid)
    rmSync(folder, { recursive: true, force: true })
  })
  const ended = once(npm, 'exit').then(([code]) => ({ code, output }))
  return { npm, ended, output: () => output }
}

function endGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // Gone already, as it should be.
  }
}

/** What runs, zombies aside. */
function processes(): { group: number; command: string }[] {
  const lines = execFileSync('ps', ['-Ao', 'pgid=,stat=,args='], { encoding: 'utf8' }).split('\n')
  return lines.flatMap((line) => {
    const [, group, state, command] = /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? []
    return command && !state?.startsWith('Z') ? [{ group: Number(group), command }] : []
  })
}

/** The process group of the wrangler that serves `port`, as soon as there is one. */
async function wranglerOf(port: number): Promise<number> {
  const group = await vi.waitFor(() => {
    const found = processes().find(({ command }) =>
      command.includes(`wrangler.js dev --ip 127.0.0.1 --port ${port} `),
    )
    if (!found) throw new Error(`No wrangler for port ${port}`)
    return found.group
  }, patience)
  onTestFinished(() => endGroup(group))
  return group
}

async function isGone(group: number): Promise<void> {
  await vi.waitFor(() => {
    expect(processes().filter((one) => one.group === group)).toEqual([])
  }, patience)
}

test('a demo that is interrupted in the middle of the sale leaves nothing running and fails', async () => {
  const port = await freePorts()
  const { npm, ended, output } = run('demo', { PORT: String(port) })
  const worker = await wranglerOf(port)
  await vi.waitFor(() => expect(output()).toContain('register'), patience)
  npm.kill('SIGTERM')
  expect((await ended).code).not.toBe(0)
  await isGone(worker)
  await isGone(npm.pid ?? 0)
  expect(output()).not.toContain('The whole sale held')
})

test('a demo that is interrupted while the Worker starts leaves nothing running and fails', async () => {
  const port = await freePorts()
  const { npm, ended } = run('demo', { PORT: String(port) })
  const worker = await wranglerOf(port)
  npm.kill('SIGINT')
  expect((await ended).code).not.toBe(0)
  await isGone(worker)
  await isGone(npm.pid ?? 0)
})

test.each(['SIGTERM', 'SIGHUP', 'SIGKILL'] as const)(
  'npm run stack ends with the npm that ran it: %s to npm alone',
  async (signal) => {
    const port = await freePorts()
    const { npm, ended, output } = run('stack', { STACK_PORT: String(port) })
    await vi.waitFor(() => expect(output()).toContain('"databaseUrl"'), patience)
    npm.kill(signal)
    await ended
    await isGone(npm.pid ?? 0)
    await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow('fetch failed')
  },
)

test('npm run dev ends with the npm that ran it, and so does its Worker', async () => {
  const port = await freePorts()
  const { npm, ended, output } = run('dev', { STACK_PORT: String(port), PORT: String(port + 4) })
  const worker = await wranglerOf(port + 4)
  await vi.waitFor(() => expect(output()).toContain('End with Ctrl-C'), patience)
  npm.kill('SIGHUP')
  await ended
  await isGone(worker)
  await isGone(npm.pid ?? 0)
})

test.each([
  [{ PORT: 'abc' }, 'demo', /PORT=abc .* from 1 to 65535/],
  [{ PORT: '65536' }, 'demo', /PORT=65536 .* from 1 to 65535/],
  [{ STACK_PORT: '65533' }, 'stack', /STACK_PORT=65533 .* from 1 to 65532/],
  [{ STACK_PORT: '9000', PORT: '9003' }, 'dev', /PORT=9003 .* 9000 to 9003/],
])('%j is refused by npm run %s before anything starts', async (env, script, expected) => {
  const { code, output } = await run(script, env).ended
  expect(code).toBe(1)
  expect(output).toMatch(expected)
  expect(output).not.toMatch(/\n\s+at /)
})
