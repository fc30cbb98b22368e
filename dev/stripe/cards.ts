// The test cards, and what happens when each is charged.

/**
 * What a card does:
 * - `pays`: every charge succeeds.
 * - `fails_after_first`: 4000 0000 0000 0341. It attaches, its first charge in Checkout succeeds here,
 *   and every later charge is declined: the shortest way to a failed renewal. (At Stripe the first
 *   charge fails too; there one would swap the card after the purchase.)
 * - `declined_*`: refused at once, with that code.
 * - `needs_authentication`: asks for 3-D Secure at every charge.
 */
export type CardBehaviour =
  | 'pays'
  | 'fails_after_first'
  | 'declined'
  | 'declined_insufficient_funds'
  | 'declined_lost'
  | 'declined_stolen'
  | 'declined_expired'
  | 'declined_cvc'
  | 'declined_processing_error'
  | 'needs_authentication'
