// One JSON line an event, for the platform's log. Fields are chosen by the caller: never a secret, never an error whole.

export type LogLevel = 'info' | 'warn' | 'error'
export type LogFields = Record<string, string | number | boolean | null | undefined>
export type Log = (level: LogLevel, event: string, fields?: LogFields) => void

/** Writes to the console, which Workers collect. */
export const consoleLog: Log = (level, event, fields) => {
  console[level](JSON.stringify({ level, event, ...fields }))
}

/**
 * What may be logged of something thrown: its name, its message without what drivers append (queries, parameters,
 * commands), and the cause's, where a library wraps.
 */
export function errorFields(thrown: unknown): LogFields {
  if (!(thrown instanceof Error)) return { error: typeof thrown }
  const inner = thrown.cause instanceof Error ? thrown.cause : thrown
  const [message = ''] = inner.message.split(/, command was:|\nparams:|Failed query:/)
  // stripe-node's errors are all called Error, and say by `type` which they are.
  const type = 'type' in inner && typeof inner.type === 'string' ? inner.type : inner.name
  return { error: type, message: message.slice(0, 300) }
}
