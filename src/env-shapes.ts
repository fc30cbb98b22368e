// What a variable of the configuration may look like, and what is said of one that does not. Values are never repeated.
import * as z from 'zod/mini'
import './zod-messages.ts'

const KNOWN_DEFAULTS =
  /^(.)\1*$|change.?me|change.?in.?production|your.?(super.?)?secret|example|secret.?key.?here/i

export const text = z.string().check(z.trim(), z.minLength(1))

/** What a transformation gives for a value that it cannot read. */
function refuse(context: z.core.ParsePayload, message: string): never {
  context.issues.push({ code: 'custom', input: context.value, message })
  return z.NEVER
}

export const count = (fallback: number, { least = 0, most }: { least?: number; most: number }) =>
  z.pipe(
    z.optional(text),
    z.transform((value, context) => {
      if (value === undefined) return fallback
      const number = Number(value)
      if (/^\d+$/.test(value) && number >= least && number <= most) return number
      return refuse(context, `must be a whole number from ${least} to ${most}`)
    }),
  )

export const secret = (least: number) =>
  text.check(
    z.refine(
      (value) => new TextEncoder().encode(value).length >= least,
      `must have at least ${least} bytes (make one with: openssl rand -base64 48)`,
    ),
    z.refine(
      (value) => !KNOWN_DEFAULTS.test(value),
      'is a known default; make one with: openssl rand -base64 48',
    ),
  )

/** Goes into a header: a key copied with an ellipsis, or out of a sentence, would fail at each request instead. */
export const token = text.check(
  z.regex(/^[\x21-\x7e]+$/, 'must have no spaces, and no characters outside ASCII'),
)

export const prefixed = (pattern: RegExp, form: string) =>
  text.check(z.regex(pattern, `must look like ${form}`))

/** `postgres://user:password@host/database`: what the driver demands at the first query, told at once. */
export const databaseUrl = text.check(
  z.refine((value) => {
    if (!URL.canParse(value)) return false
    const { protocol, username, password, hostname, pathname } = new URL(value)
    if (!/^postgres(ql)?:$/.test(protocol)) return false
    return Boolean(username && password && hostname && pathname.length > 1)
  }, 'must have the form postgres://user:password@host/database, with # / ? @ : percent-encoded in user and password'),
)

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** The seller's own API: plain http would send its customers' data in the clear, but for this machine. */
export const originUrl = z.pipe(
  text,
  z.transform((value, context) => {
    const url = URL.canParse(value) ? new URL(value) : undefined
    const safe =
      url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname))
    if (url && safe && !url.username && !url.password && !/[?#]/.test(value)) {
      if (!url.pathname.endsWith('/')) url.pathname += '/'
      return url
    }
    const message =
      'must be a URL with https, or with http on loopback, without user, password, query and fragment'
    return refuse(context, message)
  }),
)

export const url = (protocols: readonly string[]) =>
  text.check(
    z.refine(
      (value) => URL.canParse(value) && protocols.includes(new URL(value).protocol.slice(0, -1)),
      `must be a URL with ${protocols.join(' or ')}`,
    ),
  )

export const redirectOrigins = z.pipe(
  text,
  z.transform((value, context) => {
    const origins = value.split(',').flatMap((entry) => entry.trim() || [])
    const good = origins.every((one) => URL.canParse(one) && new URL(one).origin !== 'null')
    if (good && origins.length > 0) return origins.map((origin) => new URL(origin).origin)
    const message = 'must be origins like https://app.example.com, comma-separated'
    return refuse(context, message)
  }),
)

export const priceList = z.pipe(
  text,
  z.transform((value, context) => {
    const [first, ...more] = value.split(',').flatMap((id) => id.trim() || [])
    if (first && [first, ...more].every((id) => /^price_./.test(id))) {
      return [first, ...more] as [string, ...string[]]
    }
    return refuse(context, 'must be price_… ids, comma-separated')
  }),
)
