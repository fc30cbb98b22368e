// The account itself: what it is, password, email, sessions, everything held on it, its end.
import * as z from 'zod/mini'
import { deletionBody, emailBody, passwordBody } from '../../../src/account/routes.ts'
import { anything, count, instant, list, mail, prose, status, tier, uuid } from '../fields.ts'
import type { Operation } from '../operation.ts'
import { answer, request } from '../registry.ts'
import { PERSON, tokenFields } from './auth.ts'

const account = answer(
  'Account',
  z.object({
    id: uuid('The account.'),
    email: mail('Where its holder is reached.'),
    tier: tier('The plan bought, else the one that they mean to buy.'),
    subscription_status: status("Stripe's word, or none."),
    api_keys: count('Keys that open a door at the moment.'),
    created_at: instant('When it was made.'),
  }),
)
const newToken = answer('AccessToken', z.object(tokenFields), 'All earlier tokens have ended.')

const rows = (about: string) => list(anything('A row.'), 1_000_000, about)
const exported = answer(
  'AccountExport',
  z.object({
    exported_at: instant('When it was read.'),
    account: anything('The row of the account, without the hash of its password.'),
    api_keys: rows('Keys by id: their text is stored nowhere.'),
    subscriptions: rows('As Stripe showed them.'),
    usage_windows: rows('The history of use.'),
    audit_log: rows('What was changed, and when.'),
    stripe_events: rows('Events of Stripe about this account.'),
    running_counts: z.nullable(
      rows('What Redis counts, newer than usage_windows; null while it is away.'),
    ),
    elsewhere: list(
      z.object({
        what: prose('What is held.'),
        where: prose('By whom.'),
        how: prose('How to get it.'),
      }),
      100,
      'What is held and not printed here.',
    ),
  }),
)
const deletion = answer(
  'AccountDeletion',
  z.object({
    deleted: list(prose('What is gone.'), 100, 'What is gone.'),
    kept: list(
      z.object({ what: prose('What stays.'), why: prose('Why it must.') }),
      100,
      'What stays, and why.',
    ),
  }),
)

export const NEW_EMAIL = 'ada.lovelace@example.com'
export const NEW_PASSWORD = 'eleven amber otters by noon'
const confirmed = ['incorrect_password', 'too_many_attempts'] as const

export const ACCOUNT: readonly Operation[] = [
  {
    method: 'get',
    path: '/account',
    id: 'getAccount',
    tag: 'Account',
    summary: 'See the account',
    description: 'Who the account is, its plan, and how many keys it has.',
    door: 'account',
    answer: { status: 200, description: 'The account.', schema: account },
    problems: [],
  },
  {
    method: 'put',
    path: '/account/email',
    id: 'changeEmail',
    tag: 'Account',
    summary: 'Change the email',
    description: 'At Stripe too, where invoices go out; or nowhere.',
    door: 'person',
    body: {
      schema: request('EmailChange', emailBody),
      example: { password: PERSON.password, email: NEW_EMAIL },
    },
    answer: { status: 200, description: 'The account with its new email.', schema: account },
    problems: [...confirmed, 'email_taken', 'stripe_unavailable'],
  },
  {
    method: 'put',
    path: '/account/password',
    id: 'changePassword',
    tag: 'Account',
    summary: 'Change the password',
    description: 'Ends every session and gives the token that goes on. Keys stay.',
    door: 'person',
    body: {
      schema: request('PasswordChange', passwordBody),
      example: { password: PERSON.password, new_password: NEW_PASSWORD },
    },
    answer: { status: 200, description: 'A token that goes on.', schema: newToken },
    problems: confirmed,
  },
  {
    method: 'delete',
    path: '/account/sessions',
    id: 'endSessions',
    tag: 'Account',
    summary: 'Log out everywhere',
    description: 'Ends every token of the account, this one too. Keys stay.',
    door: 'person',
    answer: { status: 204, description: 'All tokens have ended.' },
    problems: [],
  },
  {
    method: 'get',
    path: '/account/export',
    id: 'exportAccount',
    tag: 'Account',
    summary: 'Get all that is held on the account',
    description: 'Rows as their tables have them: a column that is added later is in it.',
    door: 'person',
    answer: {
      status: 200,
      description: 'Everything, under the name of its table.',
      schema: exported,
      headers: ['Content-Disposition'],
    },
    problems: ['too_many_attempts'],
  },
  {
    method: 'delete',
    path: '/account',
    id: 'deleteAccount',
    tag: 'Account',
    summary: 'Delete the account',
    description: 'Ends its subscription at once, then deletes the account. There is no way back.',
    door: 'person',
    body: { schema: request('Deletion', deletionBody), example: { password: NEW_PASSWORD } },
    answer: { status: 200, description: 'What is gone, and what stays.', schema: deletion },
    problems: [...confirmed, 'stripe_unavailable'],
  },
]
