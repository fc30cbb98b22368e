// The commands through npm, ended as a terminal, a supervisor or CI ends them: nothing of theirs may go on.
import { expect, test, vi } from 'vitest'
import { isGone, patience, run, wranglerOf } from './npm.ts'
import { freePorts } from './ports.ts'

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
