// What the commands of the stack share: ports from the environment, and being asked to end.

export const DEFAULT_STACK_PORT = 8790
/** Stripe's, Neon's, Upstash's and Postgres's, in a row. */
const STACK_PORTS = 4
/** npm repeats a signal that the terminal has already given to the whole group. */
const SAME_REQUEST_MS = 1000
const PARENT_POLL_MS = 1000

/** The first port of the stack, from STACK_PORT. 0: free ones. @throws Error that names the variable */
export function stackPort(): number {
  return portFrom('STACK_PORT', DEFAULT_STACK_PORT, 65_536 - STACK_PORTS)
}

/**
 * The app's port, from PORT. 0: a free one.
 * @param stack first port of the stack beside it
 * @throws Error that names the variable
 */
export function appPort(fallback: number, stack = 0): number {
  const port = portFrom('PORT', fallback, 65_535)
  const last = stack + STACK_PORTS - 1
  if (stack === 0 || port < stack || port > last) return port
  throw new Error(
    `PORT=${port} is among the stack's own ports, ${stack} to ${last}: choose another PORT or STACK_PORT.`,
  )
}

function portFrom(name: 'PORT' | 'STACK_PORT', fallback: number, highest: number): number {
  const text = process.env[name]
  if (!text) return fallback
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= highest) return port
  throw new Error(
    `${name}=${text} is no port: choose a number from 1 to ${highest}, or 0 for a free one.`,
  )
}

/**
 * Aborted when somebody asks the process to end: by a signal, or by the end of the npm that runs it, which
 * passes on neither SIGHUP nor its own death. A second request, later than a second, ends the process at once.
 */
export function endRequested(): AbortSignal {
  const request = new AbortController()
  let first: number | undefined
  const ask = (): void => {
    if (first !== undefined && performance.now() - first > SAME_REQUEST_MS) process.exit(1)
    first ??= performance.now()
    request.abort(new InterruptedError())
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ask)
  if (process.env.npm_lifecycle_event) {
    const parent = process.ppid
    const watch = setInterval(() => {
      if (process.ppid === parent) return
      clearInterval(watch)
      request.abort(new InterruptedError())
    }, PARENT_POLL_MS)
    watch.unref()
  }
  return request.signal
}

/** Resolves when `signal` is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Somebody asked the process to end before its work was done. */
export class InterruptedError extends Error {
  override name = 'InterruptedError'
  constructor() {
    super('Interrupted.')
  }
}
