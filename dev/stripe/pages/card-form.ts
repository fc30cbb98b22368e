// The card's fields, the test cards to choose from, and what was typed as the simulator wants it.
import { html } from 'hono/html'
import type { CardEntry, Refusal } from '../simulator.ts'
import type { Html } from './layout.ts'

/** What stands in the fields: typed or prefilled. */
export interface CardValues {
  number: string
  expiry: string
  cvc: string
}

export type CardField = keyof CardValues
export type CardErrors = Partial<Record<CardField, string>>

export const PREFILLED: CardValues = {
  number: '4242 4242 4242 4242',
  expiry: '12 / 34',
  cvc: '123',
}

const TEST_CARDS = [
  { number: '4242424242424242', does: 'Pays' },
  { number: '4000000000000341', does: 'Fails at renewal' },
  { number: '4000000000000259', does: 'Is disputed' },
  { number: '4000000000009995', does: 'Declined: insufficient funds' },
  { number: '4000000000000002', does: 'Declined' },
  { number: '4000002500003155', does: 'Asks for authentication' },
] as const

export function cardFields(values: CardValues, errors: CardErrors): Html {
  return html`<fieldset class="stack">
<legend class="unseen">Card</legend>
${cardField('number', 'Card number', 'cc-number', values.number, errors.number)}
<div class="pair">
${cardField('expiry', 'Expiry, MM / YY', 'cc-exp', values.expiry, errors.expiry)}
${cardField('cvc', 'CVC', 'cc-csc', values.cvc, errors.cvc)}
</div>
</fieldset>`
}

function cardField(
  name: CardField,
  label: string,
  autocomplete: string,
  value: string,
  error: string | undefined,
): Html {
  return inputField({ name, label, autocomplete, value, error, inputmode: 'numeric' })
}

export interface InputField {
  name: string
  label: string
  value: string
  error?: string | undefined
  autocomplete?: string
  type?: string
  inputmode?: string
}

/** A labelled input. One in error has the focus, and a screen reader says the error with it. */
export function inputField(field: InputField): Html {
  const { name, label, value, error, autocomplete = 'off', type = 'text', inputmode } = field
  const mode = inputmode ? html` inputmode="${inputmode}"` : ''
  const invalid = error ? html` aria-invalid="true" aria-describedby="${name}-error" autofocus` : ''
  const message = error ? html`<p class="error" id="${name}-error">${error}</p>` : ''
  return html`<div class="field">
<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" value="${value}" autocomplete="${autocomplete}"${mode}${invalid} required>
${message}
</div>`
}

/** Links that fill the number in: they work without a script. */
export function testCardList(path: string, chosen: string): Html {
  const current = digitsOf(chosen)
  const items = TEST_CARDS.map(({ number, does }) => {
    const mark = number === current ? html` aria-current="true"` : ''
    return html`<li><a href="${path}?card=${number}"${mark}><span class="id">${grouped(number)}</span> <span class="muted">${does}</span></a></li>`
  })
  return html`<section class="stack tight" aria-label="Test cards">
<p class="label">Test cards: choose one to fill it in</p>
<ul class="cards">${items}</ul>
</section>`
}

/** The prefilled fields, with another test card's number when the address asks for one. */
export function prefilled(card: string | undefined): CardValues {
  const known = TEST_CARDS.some(({ number }) => number === card)
  return known && card ? { ...PREFILLED, number: grouped(card) } : PREFILLED
}

export function typedCard(form: URLSearchParams): CardValues {
  return {
    number: form.get('number') ?? '',
    expiry: form.get('expiry') ?? '',
    cvc: form.get('cvc') ?? '',
  }
}

/** Only what cannot be read at all is refused here; whether a card is good, the simulator says. */
export function readCard(
  values: CardValues,
): { ok: true; card: CardEntry } | { ok: false; errors: CardErrors } {
  const number = digitsOf(values.number)
  const expiry = /^\s*(\d{1,2})\s*[/ -]?\s*(\d{2}|\d{4})\s*$/.exec(values.expiry)
  const errors: CardErrors = {}
  if (number.length < 12) errors.number = 'Your card number is incomplete.'
  if (!expiry) errors.expiry = 'Write the expiry date as MM / YY.'
  if (!/^\d{3,4}$/.test(values.cvc.trim())) errors.cvc = "Your card's security code is incomplete."
  if (!expiry || Object.keys(errors).length > 0) return { ok: false, errors }
  return {
    ok: true,
    card: {
      number,
      expMonth: Number(expiry[1]),
      expYear: Number(expiry[2]),
      cvc: values.cvc.trim(),
    },
  }
}

/** Beside which field a refusal belongs. */
export function refusalErrors({ code, message }: Refusal): CardErrors {
  if (code.includes('expir')) return { expiry: message }
  if (code.includes('cvc')) return { cvc: message }
  return { number: message }
}

function digitsOf(text: string): string {
  return text.replaceAll(/\D/g, '')
}

function grouped(digits: string): string {
  return digits.replaceAll(/(\d{4})(?=\d)/g, '$1 ')
}
