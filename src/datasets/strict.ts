// Objects of which every key must be known: the error of another names the key that was most likely meant.
import * as z from 'zod/mini'
import { nearestName } from './nearest-name.ts'

/** An error is for a person to read, and not for a caller to make large. */
const MOST_KEYS = 5

/** Like `z.strictObject`, but the error of an unknown key names it and the key it resembles. */
export function strict<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined
      const shown = issue.keys.slice(0, MOST_KEYS).map((key) => unknownKey(key, known))
      return [...shown, ...(shown.length < issue.keys.length ? ['…'] : [])].join('; ')
    },
  })
}

function unknownKey(key: string, known: readonly string[]): string {
  const shown = JSON.stringify(key.length > 64 ? `${key.slice(0, 64)}…` : key)
  const near = nearestName(key, known)
  if (near !== undefined) return `unknown key ${shown}: did you mean "${near}"?`
  return `unknown key ${shown}: known are ${known.join(', ')}`
}
