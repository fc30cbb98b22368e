// Processes that the bench starts: each is ended by its own pid, also when the bench itself ends early.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export interface Child {
  process: ChildProcess
  /** How it ended: its status, or the signal's name. */
  ended: Promise<number | string>
  /** Ends it, with `signal` or after a while by force. */
  end(signal?: NodeJS.Signals): Promise<void>
}

const END_MS = 5_000

export function start(command: string, args: readonly string[], options: SpawnOptions): Child {
  const child = spawn(command, args, options)
  running.add(child)
  const ended = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (status, signal) => resolve(status ?? signal ?? 'nothing'))
  }).finally(() => running.delete(child))
  return {
    process: child,
    ended,
    async end(signal = 'SIGTERM') {
      child.kill(signal)
      const timer = setTimeout(() => child.kill('SIGKILL'), END_MS)
      await ended
      clearTimeout(timer)
    },
  }
}

/** Runs a command to its end. @throws Error with what it printed when it fails */
export async function run(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
): Promise<string> {
  const child = start(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const hear = (chunk: Buffer) => {
    output += chunk
  }
  child.process.stdout?.on('data', hear)
  child.process.stderr?.on('data', hear)
  const end = await child.ended
  if (end === 0) return output
  throw new Error(`${command} ${args.join(' ')} ended with ${end}:\n${output.trim()}`)
}
