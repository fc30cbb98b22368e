// Passwords that are no secret because a rule makes them: one step repeated, or a date. A third of the most used are
// dates, so the rule stands for all of them.

/** abcabcabc, 12121212, aaaaaaaa. */
const LONGEST_UNIT = 4
/** 31121999, 12311999, 19991231; with signs between, or not. */
const SEPARATOR = '[-./ ]?'
const DAY_OR_MONTH = '(0[1-9]|[12]\\d|3[01])'
const YEAR = '(19|20)\\d\\d'
const DATE = new RegExp(
  `^(${DAY_OR_MONTH}${SEPARATOR}${DAY_OR_MONTH}${SEPARATOR}${YEAR}|${YEAR}${SEPARATOR}${DAY_OR_MONTH}${SEPARATOR}${DAY_OR_MONTH})$`,
)

/** Whether `text`, in lower case, is the work of such a rule. */
export function isPattern(text: string): boolean {
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0)
  return DATE.test(text) || isRepetition(points) || isSequence(points)
}

function isRepetition(points: readonly number[]): boolean {
  for (let unit = 1; unit <= LONGEST_UNIT && unit < points.length; unit += 1) {
    if (points.every((point, i) => point === points[i % unit])) return true
  }
  return false
}

/** 23456789, hgfedcba; behind 9 comes 0. */
function isSequence(points: readonly number[]): boolean {
  const steps = points.slice(1).map((point, i) => point - (points[i] ?? 0))
  return [1, -1].some((by) => steps.every((step) => step === by || step === -9 * by))
}
