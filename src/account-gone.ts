// What a call is answered whose account is deleted while it runs.
import { Problem } from './problem.ts'

/** As the next call with the same token will be: no token or key of it opens anything any more. */
export function accountGone(): Problem {
  return new Problem('invalid_token', {
    detail: 'This account was deleted.',
    headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
  })
}
