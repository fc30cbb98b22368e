// What a person proves to be themselves with, as it may be sent: the fields that more than one call shares.
import * as z from 'zod/mini'
import { normalizedPassword } from './password.ts'

/** ASCII, as z.email takes it: one spelling a mailbox, and nothing that could end a header. Its case is kept. */
export const email = z.pipe(
  z.string().check(z.trim(), z.maxLength(254, 'must have at most 254 characters')),
  z.email(),
)

/**
 * UTF-16 units, before anything is done to a password: 128 characters fit, however they are composed. To normalise a
 * whole body of combining marks takes a third of a second.
 */
const MOST_UNITS = 2048
const LEAST_CHARACTERS = 8
const MOST_CHARACTERS = 128
const TOO_LONG = `must have at most ${MOST_CHARACTERS} characters`

/** A password that should be known already: whatever register once took. */
export const knownPassword = z
  .string()
  .check(z.minLength(1), z.maxLength(MOST_UNITS, { error: TOO_LONG, abort: true }))

/**
 * One that is chosen now: of any characters, counted as code points of the form that is hashed (NIST SP 800-63B-4,
 * 3.1.1.2). Whoever takes one calls `refuseCommonPassword` as well.
 */
export const newPassword = knownPassword.check(
  z.refine((text) => text.isWellFormed(), 'must be Unicode text: half of a character is missing'),
  z.refine(
    (text) => charactersOf(text) >= LEAST_CHARACTERS,
    `must have at least ${LEAST_CHARACTERS} characters`,
  ),
  z.refine((text) => charactersOf(text) <= MOST_CHARACTERS, TOO_LONG),
)

function charactersOf(password: string): number {
  return Array.from(normalizedPassword(password)).length
}
