// Kinds of fields that answers have, each as narrow as it is.
import * as z from 'zod/mini'
import { KEY_MODES, KEY_PREFIXES } from '../../src/api-key.ts'
import { SUBSCRIPTION_STATUSES } from '../../src/data/schema.ts'
import { TIERS } from '../../src/plans.ts'
import { tell } from './registry.ts'

/** Made anew for each field, as each has a description of its own. */
type Field<Schema extends z.ZodMiniType> = (description: string) => Schema

const field = <Schema extends z.ZodMiniType>(make: () => Schema): Field<Schema> => {
  return (description) => tell(make(), { description })
}

/** What is no control character; in JSON Schema's words. */
export const PRINTABLE = '^[^\\u0000-\\u001f\\u007f]*$'

/** Text for people: of any form, on one line. */
export const prose = field(() =>
  z.string().check(z.regex(new RegExp(PRINTABLE)), z.maxLength(5_000)),
)
export const word = field(() => z.string().check(z.regex(/^[\w .:-]*$/), z.maxLength(100)))
export const count = field(() => z.int().check(z.minimum(0)))
export const flag = field(() => z.boolean())
export const uuid = field(() => z.uuid().check(z.maxLength(36)))
export const instant = field(() => z.iso.datetime().check(z.maxLength(27)))
export const maybeInstant = field(() => z.nullable(z.iso.datetime().check(z.maxLength(27))))
export const link = field(() => z.url().check(z.maxLength(4_096)))
export const mail = field(() => z.email().check(z.maxLength(254)))
export const tier = field(() => z.enum(TIERS))
export const mode = field(() => z.enum(KEY_MODES))
export const status = field(() => z.enum(['none', ...SUBSCRIPTION_STATUSES]))
export const keyId = field(() => z.string().check(z.regex(/^[0-9a-f]{16}$/), z.maxLength(16)))
export const apiKey = field(() =>
  z.string().check(z.regex(/^tg_(live|test)_[0-9A-Za-z]{62}$/), z.maxLength(70)),
)
export const keyPrefix = field(() => z.enum(Object.values(KEY_PREFIXES)))
export const lastFour = field(() => z.string().check(z.regex(/^[0-9A-Za-z]{4}$/), z.maxLength(4)))
export const token = field(() =>
  z.string().check(z.regex(/^[\w-]+\.[\w-]+\.[\w-]+$/), z.maxLength(2_048)),
)

/** A list of at most `most`. */
export function list<Schema extends z.ZodMiniType>(schema: Schema, most: number, about: string) {
  return tell(z.array(schema).check(z.maxLength(most)), { description: about })
}

/** An object of any members: what a row of ours or an object of Stripe's has. */
export const anything = field(() => z.record(z.string(), z.unknown()))
