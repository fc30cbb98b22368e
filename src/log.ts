// One JSON line an event, for the platform's log. Fields are chosen by the caller: never a secret, never an error whole.

export type LogLevel = 'info' | 'warn' | 'error'
export type LogFields = Record<string, string | number | boolean | null | undefined>
export type Log = (level: LogLevel, event: string, fields?: LogFields) => void

/** Writes to the console, which Workers collect. */
export const consoleLog: Log = (level, event, fields) => {
  console[level](logLine(level, event, fields))
}

/** The event of the line that each request has: of fields that are safe by what they are, and on the hot path. */
export const REQUEST_EVENT = 'request'

/** The line as it is written; every other event's is searched for secrets once more. */
export function logLine(level: LogLevel, event: string, fields: LogFields = {}): string {
  const shown = event === REQUEST_EVENT ? fields : redacted(fields)
  return JSON.stringify({ level, event, ...shown })
}

/** What looks like a secret, or like somebody's address, wherever it stands. */
const SECRET = new RegExp(
  [
    // Ours, and tokens: a JWT's header begins so.
    'tg_(?:live|test)_\\w+',
    'eyJ[\\w-]{8,}(?:\\.[\\w-]*){0,2}',
    'Bearer\\s+[^\\s"]+',
    // Stripe's keys, as far as Stripe itself shows them, and its webhook secrets.
    '[prs]k_(?:live|test)_[\\w*]+',
    'whsec_[\\w+/=]+',
    // Connection strings, and any URL with a password in it.
    '(?:postgres(?:ql)?|rediss?):\\/\\/[^\\s"]+',
    '[a-z][a-z+.-]{0,30}:\\/\\/[^\\s"@/]{0,200}:[^\\s"@]{0,200}@[^\\s"]*',
    // An email.
    '[^\\s"\'<>(),:;=@/?&]{1,64}(?:@|%40)(?:[a-z\\d-]{1,63}\\.)+[a-z]{2,}',
  ].join('|'),
  'gi',
)

/** The text without what looks like a secret: the last line of defence, for what others wrote into an error. */
export function redact(text: string): string {
  return text.replace(SECRET, '[redacted]')
}

function redacted(fields: LogFields): LogFields {
  const shown: LogFields = {}
  for (const [name, value] of Object.entries(fields)) {
    shown[name] = typeof value === 'string' ? redact(value) : value
  }
  return shown
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
  // Before it is cut: the half of a secret looks like none.
  return { error: type, message: redact(message).slice(0, 300) }
}
