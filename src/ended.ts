// What a caller is told whose token or key opens nothing, or no more.
import { Problem } from './problem.ts'

/** RFC 6750, 3.1. */
export function endedToken(): Problem {
  return new Problem('invalid_token', {
    headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
  })
}

export function endedKey(): Problem {
  return new Problem('invalid_api_key', { headers: { 'WWW-Authenticate': 'ApiKey' } })
}
