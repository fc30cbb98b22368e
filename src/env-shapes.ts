// What a variable of the configuration may look like, and what is said of one that does not. Values are never repeated.
import * as z from 'zod'

const KNOWN_DEFAULTS =
  /^(.)\1*$|change.?me|change.?in.?production|your.?(super.?)?secret|example|secret.?key.?here/i

export const text = z.string().trim().min(1)

export const count = (fallback: number, { least = 0, most }: { least?: number; most: number }) =>
  text.optional().transform((value, context) => {
    if (value === undefined) return fallback
    const number = Number(value)
    if (/^\d+$/.test(value) && number >= least && number <= most) return number
    const message = `must be a whole number from ${least} to ${most}`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

export const secret = (least: number) =>
  text
    .refine((value) => new TextEncoder().encode(value).length >= least, {
      message: `must have at least ${least} bytes (make one with: openssl rand -base64 48)`,
    })
    .refine((value) => !KNOWN_DEFAULTS.test(value), {
      message: 'is a known default; make one with: openssl rand -base64 48',
    })

/** Goes into a header: a key copied with an ellipsis, or out of a sentence, would fail at each request instead. */
export const token = text.refine((value) => /^[\x21-\x7e]+$/.test(value), {
  message: 'must have no spaces, and no characters outside ASCII',
})

export const prefixed = (pattern: RegExp, form: string) =>
  text.refine((value) => pattern.test(value), { message: `must look like ${form}` })

/** `postgres://user:password@host/database`: what the driver demands at the first query, told at once. */
export const databaseUrl = text.refine(
  (value) => {
    if (!URL.canParse(value)) return false
    const { protocol, username, password, hostname, pathname } = new URL(value)
    if (!/^postgres(ql)?:$/.test(protocol)) return false
    return Boolean(username && password && hostname && pathname.length > 1)
  },
  {
    message:
      'must have the form postgres://user:password@host/database, with # / ? @ : percent-encoded in user and password',
  },
)

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** The seller's own API: plain http would send its customers' data in the clear, but for this machine. */
export const originUrl = text.transform((value, context) => {
  const url = URL.canParse(value) ? new URL(value) : undefined
  const safe =
    url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname))
  if (url && safe && !url.username && !url.password && !/[?#]/.test(value)) {
    if (!url.pathname.endsWith('/')) url.pathname += '/'
    return url
  }
  const message =
    'must be a URL with https, or with http on loopback, without user, password, query and fragment'
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

export const url = (protocols: readonly string[]) =>
  text.refine(
    (value) => URL.canParse(value) && protocols.includes(new URL(value).protocol.slice(0, -1)),
    { message: `must be a URL with ${protocols.join(' or ')}` },
  )

export const redirectOrigins = text.transform((value, context) => {
  const origins = value.split(',').flatMap((entry) => entry.trim() || [])
  const good = origins.every((one) => URL.canParse(one) && new URL(one).origin !== 'null')
  if (good && origins.length > 0) return origins.map((origin) => new URL(origin).origin)
  const message = 'must be origins like https://app.example.com, comma-separated'
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

export const priceList = text.transform((value, context) => {
  const [first, ...more] = value.split(',').flatMap((id) => id.trim() || [])
  if (first && [first, ...more].every((id) => /^price_./.test(id))) {
    return [first, ...more] as [string, ...string[]]
  }
  context.addIssue({ code: 'custom', message: 'must be price_… ids, comma-separated' })
  return z.NEVER
})
