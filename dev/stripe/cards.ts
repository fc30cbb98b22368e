// The test cards, and what happens when each is charged.
import { type ErrorFields, StripeError } from './errors.ts'

/**
 * What a card does when it is charged:
 * - `pays`: every charge succeeds.
 * - `fails_after_first`: 4000 0000 0000 0341. It attaches, its charge in Checkout succeeds, and every
 *   later charge is declined: the shortest way to a failed renewal. (At Stripe the first charge
 *   fails too; there one would swap the card after the purchase.)
 * - `disputed`: 4000 0000 0000 0259. Every charge succeeds, and is disputed as fraudulent.
 * - `needs_authentication`: asks for 3-D Secure at every charge, off session too.
 * - `needs_authentication_once`: asks until the buyer has been through it in Checkout.
 * - the others are refused at once with the code that they name.
 */
export type CardBehaviour =
  | 'pays'
  | 'fails_after_first'
  | 'disputed'
  | 'needs_authentication'
  | 'needs_authentication_once'
  | DeclineReason

type DeclineReason =
  | 'generic_decline'
  | 'insufficient_funds'
  | 'lost_card'
  | 'stolen_card'
  | 'expired_card'
  | 'incorrect_cvc'
  | 'processing_error'
  | 'test_mode_live_card'

interface TestCard {
  number: string
  behaviour: CardBehaviour
  /** The ids under which the API knows it without a number being sent. */
  ids: string[]
}

const TEST_CARDS: TestCard[] = [
  { number: '4242424242424242', behaviour: 'pays', ids: ['pm_card_visa', 'tok_visa'] },
  { number: '4000056655665556', behaviour: 'pays', ids: ['pm_card_visa_debit'] },
  { number: '5555555555554444', behaviour: 'pays', ids: ['pm_card_mastercard', 'tok_mastercard'] },
  { number: '378282246310005', behaviour: 'pays', ids: ['pm_card_amex', 'tok_amex'] },
  { number: '6011111111111117', behaviour: 'pays', ids: ['pm_card_discover'] },
  {
    number: '4000000000000341',
    behaviour: 'fails_after_first',
    ids: ['pm_card_chargeCustomerFail', 'tok_chargeCustomerFail'],
  },
  {
    number: '4000000000000259',
    behaviour: 'disputed',
    ids: ['pm_card_createDispute', 'tok_createDispute'],
  },
  {
    number: '4000000000000002',
    behaviour: 'generic_decline',
    ids: ['pm_card_visa_chargeDeclined', 'pm_card_chargeDeclined'],
  },
  {
    number: '4000000000009995',
    behaviour: 'insufficient_funds',
    ids: [
      'pm_card_visa_chargeDeclinedInsufficientFunds',
      'pm_card_chargeDeclinedInsufficientFunds',
    ],
  },
  {
    number: '4000000000009987',
    behaviour: 'lost_card',
    ids: ['pm_card_visa_chargeDeclinedLostCard'],
  },
  {
    number: '4000000000009979',
    behaviour: 'stolen_card',
    ids: ['pm_card_visa_chargeDeclinedStolenCard'],
  },
  {
    number: '4000000000000069',
    behaviour: 'expired_card',
    ids: ['pm_card_chargeDeclinedExpiredCard'],
  },
  {
    number: '4000000000000127',
    behaviour: 'incorrect_cvc',
    ids: ['pm_card_chargeDeclinedIncorrectCvc'],
  },
  {
    number: '4000000000000119',
    behaviour: 'processing_error',
    ids: ['pm_card_chargeDeclinedProcessingError'],
  },
  {
    number: '4000002500003155',
    behaviour: 'needs_authentication_once',
    ids: ['pm_card_authenticationRequiredOnSetup'],
  },
  {
    number: '4000002760003184',
    behaviour: 'needs_authentication',
    ids: ['pm_card_authenticationRequired'],
  },
]

/** The card behind an id such as `pm_card_visa`. */
export function testCardById(id: string): { number: string; behaviour: CardBehaviour } | null {
  return TEST_CARDS.find((card) => card.ids.includes(id)) ?? null
}

/** What a number does. A valid one that is no test card is declined, as in Stripe's test mode. */
export function behaviourOf(number: string): CardBehaviour {
  return TEST_CARDS.find((card) => card.number === number)?.behaviour ?? 'test_mode_live_card'
}

/** Why a charge was refused, as the API and the charge object say it. */
export interface Decline {
  code: string
  declineCode: string
  message: string
}

const DECLINES: Record<DeclineReason, Decline> = {
  generic_decline: declined('generic_decline', 'Your card was declined.'),
  insufficient_funds: declined('insufficient_funds', 'Your card has insufficient funds.'),
  lost_card: declined('lost_card', 'Your card was declined.'),
  stolen_card: declined('stolen_card', 'Your card was declined.'),
  test_mode_live_card: declined(
    'test_mode_live_card',
    'Your card was declined. Your request was in test mode, but used a non test (live) card. For a list of valid test cards, visit: https://stripe.com/docs/testing.',
  ),
  expired_card: {
    code: 'expired_card',
    declineCode: 'expired_card',
    message: 'Your card has expired.',
  },
  incorrect_cvc: {
    code: 'incorrect_cvc',
    declineCode: 'incorrect_cvc',
    message: "Your card's security code is incorrect.",
  },
  processing_error: {
    code: 'processing_error',
    declineCode: 'processing_error',
    message: 'An error occurred while processing your card. Try again in a little bit.',
  },
}

/** 3-D Secure was asked for, and nobody was there to answer. */
export const AUTHENTICATION_REQUIRED: Decline = {
  code: 'authentication_required',
  declineCode: 'authentication_required',
  message: 'Your card was declined. This transaction requires authentication.',
}

function declined(declineCode: string, message: string): Decline {
  return { code: 'card_declined', declineCode, message }
}

export type ChargeOutcome =
  | { kind: 'paid' }
  | { kind: 'declined'; decline: Decline }
  | { kind: 'needs_authentication' }

/** The buyer at a charge: at Checkout's page with a new card, or nowhere near. */
export interface Presence {
  inCheckout: boolean
  /** Went through 3-D Secure for this charge. */
  authenticated: boolean
}

export const ABSENT: Presence = { inCheckout: false, authenticated: false }

export function chargeOutcome(behaviour: CardBehaviour, buyer: Presence): ChargeOutcome {
  if (behaviour === 'pays' || behaviour === 'disputed') return { kind: 'paid' }
  if (behaviour === 'fails_after_first') {
    return buyer.inCheckout
      ? { kind: 'paid' }
      : { kind: 'declined', decline: DECLINES.generic_decline }
  }
  if (behaviour === 'needs_authentication' || behaviour === 'needs_authentication_once') {
    return { kind: buyer.authenticated ? 'paid' : 'needs_authentication' }
  }
  return { kind: 'declined', decline: DECLINES[behaviour] }
}

/** Whether saving the card to a customer is refused, as Stripe does when it checks a card first. */
export function refusalToAttach(behaviour: CardBehaviour): Decline | null {
  const outcome = chargeOutcome(behaviour, { inCheckout: true, authenticated: false })
  return outcome.kind === 'declined' ? outcome.decline : null
}

export function declineError(decline: Decline, more: ErrorFields = {}): StripeError {
  return new StripeError(402, decline.message, {
    type: 'card_error',
    code: decline.code,
    declineCode: decline.declineCode,
    ...more,
  })
}
