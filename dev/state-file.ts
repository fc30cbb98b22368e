// A state file: JSON, written whole to a temporary file and put in place by renaming.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * How long after a change the file is written: changes come in bursts. A large file waits ten times
 * as long as it takes to write, so that writing never takes more than a tenth of the time.
 */
const DELAY_MS = 250
const FORMAT = 1

/**
 * What the file holds, or undefined where there is none.
 * @param what whose file it is, for messages
 * @throws Error when the file exists but is not one of ours
 */
export function readState(path: string, what: string): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  const state: unknown = JSON.parse(text)
  if (typeof state !== 'object' || state === null || !('format' in state) || !('store' in state)) {
    throw new Error(`${path} is not a state file of ${what}; move it away`)
  }
  if (state.format !== FORMAT) {
    throw new Error(`${path} is of another version of ${what}; move it away`)
  }
  return state.store
}

export class StateFile {
  readonly #path: string
  readonly #state: () => unknown
  #timer: NodeJS.Timeout | null = null
  #delayMs = DELAY_MS

  /** @param state what is to be kept, as JSON has it */
  constructor(path: string, state: () => unknown) {
    this.#path = path
    this.#state = state
  }

  /** Writes a moment from now, once for all changes until then. */
  schedule(): void {
    this.#timer ??= setTimeout(() => this.write(), this.#delayMs).unref()
  }

  write(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    const began = performance.now()
    mkdirSync(dirname(this.#path), { recursive: true })
    const temporary = `${this.#path}.${process.pid}.tmp`
    writeFileSync(temporary, JSON.stringify({ format: FORMAT, store: this.#state() }))
    renameSync(temporary, this.#path)
    this.#delayMs = Math.max(DELAY_MS, 10 * (performance.now() - began))
  }
}
