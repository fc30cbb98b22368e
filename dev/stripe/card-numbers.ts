// What is typed of a card, checked before any bank is asked.
import { StripeError } from './errors.ts'

/** A card as it was typed. */
export interface CardNumbers {
  number: string
  expMonth: number
  expYear: number
  cvc?: string
}

/**
 * Checks what was typed, before any bank is asked.
 * @param nowSeconds the customer's time, for the expiry
 * @returns the number without spaces, and the year with its century
 * @throws StripeError 402 `incorrect_number`, `invalid_expiry_month`, `invalid_expiry_year`, `invalid_cvc`
 */
export function checkCard(
  card: CardNumbers,
  nowSeconds: number,
): { number: string; expYear: number } {
  const number = card.number.replaceAll(/[\s-]/g, '')
  if (!/^\d{12,19}$/.test(number) || !passesLuhn(number)) {
    throw cardError('Your card number is incorrect.', 'incorrect_number', 'number')
  }
  if (!Number.isInteger(card.expMonth) || card.expMonth < 1 || card.expMonth > 12) {
    throw cardError("Your card's expiration month is invalid.", 'invalid_expiry_month', 'exp_month')
  }
  const expYear = card.expYear < 100 ? 2000 + card.expYear : card.expYear
  const now = new Date(nowSeconds * 1000)
  const months = (expYear - now.getUTCFullYear()) * 12 + card.expMonth - (now.getUTCMonth() + 1)
  if (!Number.isInteger(expYear) || months < 0 || months > 50 * 12) {
    throw cardError("Your card's expiration year is invalid.", 'invalid_expiry_year', 'exp_year')
  }
  const cvcLength = /^3[47]/.test(number) ? 4 : 3
  if (card.cvc !== undefined && !new RegExp(`^\\d{${cvcLength}}$`).test(card.cvc)) {
    throw cardError("Your card's security code is invalid.", 'invalid_cvc', 'cvc')
  }
  return { number, expYear }
}

/** 402 `card_error`, as a refused card is answered. */
export function cardError(message: string, code: string, param?: string): StripeError {
  return new StripeError(402, message, { type: 'card_error', code, ...(param && { param }) })
}

function passesLuhn(number: string): boolean {
  let sum = 0
  for (let i = 0; i < number.length; i += 1) {
    const digit = Number(number[number.length - 1 - i])
    const doubled = i % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}
