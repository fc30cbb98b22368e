// Who is calling: the Neon-Connection-String header, read and checked as Neon's proxy does.
// Source: get_conn_info in proxy/src/serverless of neondatabase/neon.
import { timingSafeEqual } from 'node:crypto'
import { Refusal } from './refusal.ts'

export interface Credentials {
  user: string
  password: string
  database: string
}

/**
 * Lets the caller in or throws.
 * @throws Refusal 400: a header that is missing or malformed, a wrong user or password (28P01), an
 *   unknown database (3D000)
 */
export function authenticate(headers: Headers, expected: Credentials): void {
  const caller = credentialsOf(headers)
  if (!same(caller.user, expected.user) || !same(caller.password, expected.password)) {
    const message = `password authentication failed for user '${caller.user}'`
    throw new Refusal(400, message, '28P01', 'FATAL')
  }
  if (caller.database !== expected.database) {
    throw new Refusal(400, `database "${caller.database}" does not exist`, '3D000', 'FATAL')
  }
}

function credentialsOf(headers: Headers): Credentials {
  const header = headers.get('neon-connection-string')
  if (header === null) throw new Refusal(400, 'invalid header: neon-connection-string')
  if (!URL.canParse(header)) {
    throw new Refusal(400, 'invalid connection string: relative URL without a base')
  }
  const url = new URL(header)
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw new Refusal(400, 'incorrect scheme')
  }
  const database = decoded(url.pathname.split('/')[1] ?? '', 'invalid database name')
  if (database === '') throw new Refusal(400, 'missing database name')
  const user = decoded(url.username, 'invalid username')
  if (user === '') throw new Refusal(400, 'missing username')
  // A token would be for Neon's data API, which this database does not have.
  if (headers.has('authorization') || url.password === '') {
    throw new Refusal(400, 'missing authentication credentials: required password')
  }
  if (url.hostname === '') throw new Refusal(400, 'missing hostname')
  return { user, password: decoded(url.password, 'invalid password'), database }
}

function decoded(part: string, otherwise: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new Refusal(400, otherwise)
  }
}

function same(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
