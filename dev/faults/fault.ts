// One ordered fault: what it was hit by and who waits for it.
import { randomUUID } from 'node:crypto'
import { pause } from '../pause.ts'
import type { ParsedOrder } from './order.ts'

/** How a wait ended: the fault was released or deleted, the client went away, or the time was over. */
type Ending = 'release' | 'delete' | 'gone' | 'time'

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

  hit(): void {
    this.#hits += 1
    for (const watcher of [...this.#watchers]) watcher()
  }

  /** Resolves when the fault is released or deleted, when `client` goes away, or after `forMs`. */
  wait(client?: AbortSignal, forMs?: number): Promise<Ending> {
    return new Promise((resolve) => {
      if (this.#deleted) return resolve('delete')
      if (this.#released) return resolve('release')
      const end = (ending: Ending): void => {
        if (this.#waiting.delete(end)) resolve(ending)
      }
      this.#waiting.add(end)
      if (client?.aborted) end('gone')
      client?.addEventListener('abort', () => end('gone'), { once: true })
      if (forMs !== undefined) void pause(forMs).then(() => end('time'))
    })
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
