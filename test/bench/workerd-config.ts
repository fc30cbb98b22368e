// A workerd configuration in Cap'n Proto's text form: one Worker, its variables, its rate limiters, one socket.
import { readFileSync } from 'node:fs'
import { rateLimit } from './workers/rate-limit.ts'

/** Above what any run can send: the tiers' own limits are far below what a load test asks. */
export const RATE_LIMIT = 1_000_000_000

/** What wrangler.toml says of the runtime. */
interface Platform {
  compatibilityDate: string
  compatibilityFlags: string[]
  rateLimiters: { name: string; periodSeconds: number }[]
}

/** workerd refuses a flag from the date on at which it is the default; wrangler takes it away as well. */
const DEFAULT_SINCE: Readonly<Record<string, string>> = { nodejs_compat: '2026-08-04' }

const PLATFORM = readPlatform(readFileSync('wrangler.toml', 'utf8'))

/**
 * The configuration for `script`, an ES module's text in a file beside it. The network may reach loopback, where
 * the stack is.
 */
export function workerdConfig(script: string, vars: Readonly<Record<string, string>>): string {
  const { compatibilityDate, compatibilityFlags, rateLimiters } = PLATFORM
  const bindings = [
    ...Object.entries(vars).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    ...rateLimiters.map(({ name, periodSeconds }) => {
      const settings = JSON.stringify({ limit: RATE_LIMIT, periodSeconds })
      const inner = `[(name = "settings", json = ${text(settings)})]`
      return `(name = ${text(name)}, wrapped = (moduleName = "bench:rate-limit", innerBindings = ${inner}))`
    }),
  ]
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")],
  extensions = [(modules = [
    (name = "bench:rate-limit", internal = true, esModule = ${text(`export default ${rateLimit}`)}),
  ])],
);

const worker :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed ${text(script)})],
  compatibilityDate = ${text(compatibilityDate)},
  compatibilityFlags = [${compatibilityFlags.map(text).join(', ')}],
  globalOutbound = "internet",
  bindings = [
    ${bindings.join(',\n    ')}
  ],
);
`
}

/** Only the top level counts: the environments of the file are other Workers. */
function readPlatform(toml: string): Platform {
  const [date, flags] = [/^compatibility_date = "(.+)"$/m, /^compatibility_flags = (\[.*\])$/m].map(
    (pattern) => pattern.exec(toml)?.[1],
  )
  if (!date || !flags) throw new Error('wrangler.toml has no compatibility date or flags')
  const limiters = toml.matchAll(
    /^\[\[ratelimits\]\]\nname = "(\w+)"\n(?:.+\n)*?simple = .*period = (\d+)/gm,
  )
  return {
    compatibilityDate: date,
    compatibilityFlags: (JSON.parse(flags) as string[]).filter(
      (flag) => date < (DEFAULT_SINCE[flag] ?? '9'),
    ),
    rateLimiters: [...limiters].map(([, name = '', period]) => ({
      name,
      periodSeconds: Number(period),
    })),
  }
}

/** Cap'n Proto's strings are C's; JSON's escapes for plain ASCII are the same. */
function text(value: string): string {
  return JSON.stringify(value).replace(/[^\x20-\x7e]/g, (letter) =>
    [...Buffer.from(letter)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''),
  )
}
