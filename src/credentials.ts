// What a person proves to be themselves with, as it may be sent: the fields that more than one call shares.
import * as z from 'zod/mini'

export const email = z.pipe(
  z.string().check(z.trim(), z.maxLength(254, 'must have at most 254 characters')),
  z.email(),
)

/** A password that should be known already: whatever register once took. */
export const knownPassword = z
  .string()
  .check(z.minLength(1), z.maxLength(128, 'must have at most 128 characters'))

/** One that is chosen now. */
export const newPassword = knownPassword.check(z.minLength(8, 'must have at least 8 characters'))
