// Parameters that several routes share.
import { invalid } from '../errors.ts'
import { emptyable, object, oneOf, type Param, string } from '../params.ts'

/** An email address that could be one. */
export const email: Param<string> = {
  read(value, path) {
    const text = string({ max: 512 }).read(value, path)
    if (/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(text)) return text
    throw invalid(`Invalid email address: ${text}`, { code: 'email_invalid', param: path })
  },
}

/** An absolute http(s) URL. */
export const url: Param<string> = {
  read(value, path) {
    const text = string().read(value, path)
    // Checkout's own placeholder is no URL character, but belongs into success_url.
    const parsed = URL.parse(text.replaceAll('{CHECKOUT_SESSION_ID}', 'cs'))
    if (parsed && /^https?:$/.test(parsed.protocol)) return text
    throw invalid('Not a valid URL', { code: 'url_invalid', param: path })
  },
}

export const currency: Param<string> = {
  read(value, path) {
    const text = string().read(value, path).toLowerCase()
    if (Intl.supportedValuesOf('currency').includes(text.toUpperCase())) return text
    throw invalid(
      `Invalid currency: ${text}. Stripe currently supports the currencies of ISO 4217.`,
      { param: path },
    )
  },
}

const LOCALES =
  'auto bg cs da de el en en-AU en-CA en-GB en-IE en-IN en-NZ en-SG es es-419 et fi fil fr fr-CA hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW'.split(
    ' ',
  )

/** A language that Checkout and the portal speak. */
export const locale = oneOf(LOCALES)

const line = emptyable(string())

/** An address; what is not given is null. */
export const address = object({
  city: line,
  country: line,
  line1: line,
  line2: line,
  postal_code: line,
  state: line,
})

export function fullAddress(
  given: {
    [K in 'city' | 'country' | 'line1' | 'line2' | 'postal_code' | 'state']?: string | null
  },
): Record<'city' | 'country' | 'line1' | 'line2' | 'postal_code' | 'state', string | null> {
  return {
    city: given.city ?? null,
    country: given.country ?? null,
    line1: given.line1 ?? null,
    line2: given.line2 ?? null,
    postal_code: given.postal_code ?? null,
    state: given.state ?? null,
  }
}
