// Sign-up and login.
import * as z from 'zod/mini'
import { loginBody, registerBody } from '../../../src/auth/routes.ts'
import { email, knownPassword, newPassword } from '../../../src/credentials.ts'
import { apiKey, mail, status, tier, token, uuid } from '../fields.ts'
import type { Operation } from '../operation.ts'
import { answer, request, tell } from '../registry.ts'

tell(email, { description: 'An email address, in ASCII.', format: 'email' })
tell(knownPassword, { description: 'The password of the account.', format: 'password' })
tell(newPassword, {
  description:
    '8 to 128 characters of any kind (code points, after NFKC). What guessers try first is refused.',
  format: 'password',
})
tell(registerBody.shape.tier, { description: 'The plan that they mean to buy.' })

export const tokenFields = {
  access_token: token('A JWT for Authorization: Bearer.'),
  token_type: z.literal('bearer'),
  expires_in: tell(z.int().check(z.minimum(1), z.maximum(86_400)), {
    description: 'Seconds until the token ends.',
  }),
}

const session = answer(
  'Session',
  z.object({
    ...tokenFields,
    api_key: apiKey('A live key of the account.'),
    user: z.object({
      id: uuid('The account.'),
      email: mail('As it was given.'),
      tier: tier('The plan bought, else the one that they mean to buy.'),
      subscription_status: status("Stripe's word, or none."),
      api_key: apiKey('The same key.'),
    }),
  }),
  'A token, a key, and whose they are.',
)

export const PERSON = { email: 'ada@example.com', password: 'seven violet herons at dawn' }

export const AUTH: readonly Operation[] = [
  {
    method: 'post',
    path: '/auth/register',
    id: 'register',
    tag: 'Sign-up',
    summary: 'Make an account',
    description: 'Makes an account with its first API key. Nothing is bought yet.',
    door: 'public',
    body: {
      schema: request('Registration', registerBody),
      example: { ...PERSON, tier: 'hobby' },
    },
    answer: { status: 200, description: 'The account, its key and a token.', schema: session },
    problems: ['email_taken', 'too_many_attempts'],
  },
  {
    method: 'post',
    path: '/auth/login',
    id: 'login',
    tag: 'Sign-up',
    summary: 'Log in',
    description: 'Gives a new token, and shows a live key of the account.',
    door: 'public',
    body: { schema: request('Login', loginBody), example: PERSON },
    answer: { status: 200, description: 'The account, its key and a token.', schema: session },
    problems: ['invalid_credentials', 'too_many_attempts'],
  },
]
