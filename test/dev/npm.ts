// The commands as npm runs them, and what becomes of their processes.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, vi } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
/** Hangs end after this time; nothing is measured by it. */
export const patience = { timeout: 40_000, interval: 50 }

export interface Run {
  npm: ChildProcess
  ended: Promise<{ code: number | null; output: string }>
  output(): string
}

/** A folder with this project's code and data of its own. */
export function projectFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-npm-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  copyFileSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
  for (const name of ['dev', 'node_modules']) symlinkSync(join(ROOT, name), join(folder, name))
  return folder
}

/** `npm run <script>` in a folder with data of its own. */
export function run(script: string, env: Record<string, string>, folder = projectFolder()): Run {
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
  })
  const ended = once(npm, 'exit').then(([code]) => ({ code, output }))
  return { npm, ended, output: () => output }
}

export function endGroup(group: number): void {
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
export async function wranglerOf(port: number): Promise<number> {
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

export async function isGone(group: number): Promise<void> {
  await vi.waitFor(() => {
    expect(processes().filter((one) => one.group === group)).toEqual([])
  }, patience)
}
