// One ordered fault: what it was hit by and who waits for it.
import { randomUUID } from 'node:crypto'
import type { ParsedOrder } from './order.ts'

/** How a wait ended: the fault was released or deleted, or the client went away. */
type Ending = 'release' | 'delete' | 'gone'

export class Fault {
  readonly id = randomUUID()
  readonly order: ParsedOrder
  #hits = 0
  #released = false
  #deleted = false
  readonly #waiting = new Set<(ending: Ending) => void>()
  readonly #watchers = new Set<() => void>()

  constructor(order: ParsedOrder) {
    this.order = order
  }

  state(): { id: string; hits: number; waiting: number } {
    return { id: this.id, hits: this.#hits, waiting: this.#waiting.size }
  }

  matches(method: string, path: string, body: string): boolean {
    const { match, times } = this.order
    if (times !== undefined && this.#hits >= times) return false
    if (match.method !== undefined && match.method !== method) return false
    if (match.path !== undefined && !path.startsWith(match.path)) return false
    return match.bodyIncludes === undefined || body.includes(match.bodyIncludes)
  }

  /** Counts a hit; for `hang` and `hold`, resolves when the wait is over. */
  hit(client: AbortSignal | undefined): Promise<Ending> {
    this.#hits += 1
    const { kind } = this.order.fault
    const over = new Promise<Ending>((resolve) => {
      if (kind !== 'hang' && kind !== 'hold') return
      if (this.#released) return resolve('release')
      const end = (ending: Ending): void => {
        if (this.#waiting.delete(end)) resolve(ending)
      }
      this.#waiting.add(end)
      if (client?.aborted) end('gone')
      client?.addEventListener('abort', () => end('gone'), { once: true })
    })
    for (const watcher of [...this.#watchers]) watcher()
    return over
  }

  end(ending: 'release' | 'delete'): void {
    if (ending === 'release') this.#released = true
    else this.#deleted = true
    for (const end of [...this.#waiting]) end(ending)
    for (const watcher of [...this.#watchers]) watcher()
  }

  /** Resolves when the fault has been hit `hits` times or is deleted, or the asker has gone. */
  hitTimes(hits: number, asker: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const watcher = (): void => {
        if (this.#hits < hits && !this.#deleted && !asker.aborted) return
        this.#watchers.delete(watcher)
        resolve()
      }
      this.#watchers.add(watcher)
      asker.addEventListener('abort', watcher, { once: true })
      watcher()
    })
  }
}
