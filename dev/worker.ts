// The Worker on this machine: `wrangler dev` in a process group of its own, so that ending it leaves nothing behind.
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { aborted } from './process.ts'
import { PortTakenError } from './serve.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const WRANGLER = fileURLToPath(new URL('../node_modules/wrangler/bin/wrangler.js', import.meta.url))
const READY_MS = 60_000
const END_MS = 5_000

export interface WorkerOptions {
  /** 0 picks a free one. */
  port: number
  /** Variables of the Worker, given on the command line: only what the local stack made up. */
  vars: Readonly<Record<string, string>>
  /** Whether wrangler's own output is shown. */
  verbose: boolean
  /** Ends the start when it is aborted; a Worker that serves is ended by `close`. */
  signal: AbortSignal
}

export interface RunningWorker {
  url: string
  /** Resolves when the process is gone, however that came. */
  ended: Promise<void>
  /** One of the crons once: wrangler runs none by itself. @throws Error when it fails or takes longer than `limitMs` */
  runCron(cron: string, limitMs: number): Promise<void>
  close(): Promise<void>
}

/** @throws PortTakenError; Error with wrangler's output when the Worker does not come up; the signal's reason */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { port, vars, verbose, signal } = options
  const chosen = await freePort(port)
  signal.throwIfAborted()
  const child = spawn(process.execPath, [WRANGLER, ...wranglerArguments(chosen, vars)], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      WRANGLER_SEND_METRICS: 'false',
      // Neither looks anything up outside: the stack is whole without a network.
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      WRANGLER_HIDE_BANNER: 'true',
      NO_COLOR: '1',
    },
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const close = () => endGroup(child, ended)
  const killNow = () => signalGroup(child, 'SIGKILL')
  process.once('exit', killNow)
  ended.then(() => process.removeListener('exit', killNow))
  try {
    await Promise.race([ready(child, verbose), aborted(signal)])
    signal.throwIfAborted()
  } catch (error) {
    await close()
    throw error
  }
  const url = `http://127.0.0.1:${chosen}`
  return { url, ended, runCron: (cron, limitMs) => runCron(url, cron, limitMs), close }
}

/** https://developers.cloudflare.com/workers/configuration/cron-triggers/#test-cron-triggers-locally */
async function runCron(url: string, cron: string, limitMs: number): Promise<void> {
  const signal = AbortSignal.timeout(limitMs)
  const query = new URLSearchParams({ cron })
  const answer = await fetch(`${url}/cdn-cgi/handler/scheduled?${query}`, { signal })
  if (!answer.ok) throw new Error(`The cron ended with: ${await answer.text()}`)
}

function wranglerArguments(port: number, vars: Readonly<Record<string, string>>): string[] {
  const options = ['--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0']
  const bound = Object.entries(vars).flatMap(([name, value]) => ['--var', `${name}:${value}`])
  return ['dev', ...options, '--env', '', '--show-interactive-dev-session=false', ...bound]
}

/** Waits for wrangler to say that it serves. */
function ready(child: ChildProcess, verbose: boolean): Promise<void> {
  let output = ''
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`${why}\n${output.trim()}`))
    const timer = setTimeout(() => fail('The Worker did not come up in time.'), READY_MS)
    const hear = (chunk: Buffer) => {
      output = `${output}${chunk}`.slice(-20_000)
      if (verbose) process.stdout.write(chunk)
      if (!/Ready on http/.test(output)) return
      clearTimeout(timer)
      resolve()
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.once('exit', (code) => {
      clearTimeout(timer)
      fail(`wrangler dev ended with ${code}.`)
    })
  })
}

async function endGroup(child: ChildProcess, ended: Promise<void>): Promise<void> {
  signalGroup(child, 'SIGTERM')
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), END_MS)
  await ended
  clearTimeout(timer)
  // wrangler may be gone before its workerd: whatever is left of the group goes too.
  signalGroup(child, 'SIGKILL')
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** `port` if it is free, a free one for 0. @throws PortTakenError */
function freePort(port: number): Promise<number> {
  const probe = createServer()
  return new Promise((resolve, reject) => {
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error)
      reject(
        new PortTakenError(
          `Port ${port} for the app is taken by another process. End it, or choose another with PORT.`,
        ),
      )
    })
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : port))
    })
  })
}
