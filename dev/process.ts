// What the commands of the stack share: ports from the environment, and waiting for the end.

export const DEFAULT_STACK_PORT = 8790

/** A port number from the variable `name`. @throws Error that names the variable */
export function portFrom(name: 'PORT' | 'STACK_PORT', fallback = DEFAULT_STACK_PORT): number {
  const text = process.env[name]
  if (!text) return fallback
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port < 65_533) return port
  throw new Error(`${name}=${text} is no port: choose a number between 1 and 65532.`)
}

/** Resolves when somebody asks the process to end. A second request ends it at once. */
export function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => resolve())
  })
}
