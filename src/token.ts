// Access tokens: JWTs (RFC 7519) signed by HS256, with algorithm, issuer, audience and expiry pinned.
import { errors, jwtVerify, SignJWT } from 'jose'

export const TOKEN_SECONDS = 24 * 60 * 60

const ALGORITHM = 'HS256'
const ISSUER = 'tollgate'
const AUDIENCE = 'tollgate-api'
/** Ours have some 300: what is longer is nobody's, and is not hashed. */
const MAX_CHARACTERS = 2_048
/** How far ahead the clock of the machine that issued a token may go. jose leaves `iat` alone. */
const SKEW_SECONDS = 60
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Who a token speaks for. */
export interface TokenSubject {
  userId: string
  /** The account's epoch of sessions when it was signed: once the account is at a later one, the token has ended. */
  epoch: number
}

/** A token on the wire, as OAuth 2.0 prints it (RFC 6749, 5.1). */
export interface TokenAnswer {
  access_token: string
  token_type: 'bearer'
  expires_in: number
}

/** What an answer shows of a new token for `subject`, signed by the first of `secrets`. */
export async function issueToken(
  [secret]: readonly [string, ...string[]],
  subject: TokenSubject,
  now: Date,
): Promise<TokenAnswer> {
  const access_token = await signToken(secret, subject, now)
  return { access_token, token_type: 'bearer', expires_in: TOKEN_SECONDS }
}

/** A token for `userId` that ends TOKEN_SECONDS after `now`. */
export function signToken(
  secret: string,
  { userId, epoch }: TokenSubject,
  now: Date,
): Promise<string> {
  const issuedAt = Math.floor(now.getTime() / 1000)
  return new SignJWT({ epoch })
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
    .setSubject(userId)
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + TOKEN_SECONDS)
    .sign(new TextEncoder().encode(secret))
}

/** 32 bytes leave two bits of the signature's last digit unused: with others in them it would be the same signature. */
const ONE_SPELLING = /[AEIMQUYcgkosw048]$/

/** Who a token speaks for that one of `secrets` signed and that has not expired, or null. */
export async function verifyToken(
  secrets: readonly string[],
  token: string,
  now: Date,
): Promise<TokenSubject | null> {
  if (token.length > MAX_CHARACTERS || !ONE_SPELLING.test(token)) return null
  for (const secret of secrets) {
    const subject = await subjectOf(secret, token, now)
    if (subject) return subject
  }
  return null
}

async function subjectOf(secret: string, token: string, now: Date): Promise<TokenSubject | null> {
  try {
    const { payload } = await jwtVerify(token, new TextEncoder().encode(secret), {
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      audience: AUDIENCE,
      requiredClaims: ['sub', 'iat', 'exp'],
      currentDate: now,
    })
    // Tokens from before there were epochs have none, and are of the first.
    const { sub, iat = 0, epoch = 0 } = payload
    if (iat > now.getTime() / 1000 + SKEW_SECONDS) return null
    // jose takes a subject of any type.
    if (typeof sub !== 'string' || !UUID.test(sub)) return null
    return typeof epoch === 'number' && Number.isSafeInteger(epoch) ? { userId: sub, epoch } : null
  } catch (error) {
    if (error instanceof errors.JOSEError) return null
    throw error
  }
}
