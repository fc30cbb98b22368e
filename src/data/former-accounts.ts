// By what an email is known again when its account is gone: a keyed digest, so that a trial is taken once.
import { type SQL, sql } from 'drizzle-orm'
import { hmacSha256 } from '../crypto.ts'

type Secrets = readonly [Uint8Array, ...Uint8Array[]]

/** Nothing else that these secrets tag begins so. */
const PURPOSE = 'tollgate former account\n'

/** The digest of an email in hex, upper and lower case alike, under the first of the secrets. */
export function emailDigest([secret]: Secrets, email: string): string {
  const message = Buffer.from(PURPOSE + email.toLowerCase())
  return Buffer.from(hmacSha256(secret, message)).toString('hex')
}

/** For a statement: whether an account of this email had a subscription and was deleted, under any of the secrets. */
export function isFormer(secrets: Secrets, email: string): SQL<boolean> {
  const digests = secrets.map((secret) => sql`${emailDigest([secret], email)}`)
  return sql`exists (select 1 from former_accounts where email_digest in (${sql.join(digests, sql`, `)}))`
}
