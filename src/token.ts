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

/** A token for `userId` that ends TOKEN_SECONDS after `now`. */
export function signToken(secret: string, userId: string, now: Date): Promise<string> {
  const issuedAt = Math.floor(now.getTime() / 1000)
  return new SignJWT()
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
    .setSubject(userId)
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + TOKEN_SECONDS)
    .sign(new TextEncoder().encode(secret))
}

/** The user of a token that one of `secrets` signed and that has not expired, or null. */
export async function verifyToken(
  secrets: readonly string[],
  token: string,
  now: Date,
): Promise<string | null> {
  if (token.length > MAX_CHARACTERS) return null
  for (const secret of secrets) {
    const userId = await subjectOf(secret, token, now)
    if (userId) return userId
  }
  return null
}

async function subjectOf(secret: string, token: string, now: Date): Promise<string | null> {
  try {
    const { payload } = await jwtVerify(token, new TextEncoder().encode(secret), {
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      audience: AUDIENCE,
      requiredClaims: ['sub', 'iat', 'exp'],
      currentDate: now,
    })
    const { sub, iat = 0 } = payload
    if (iat > now.getTime() / 1000 + SKEW_SECONDS) return null
    // jose takes claims of any type.
    return typeof sub === 'string' && UUID.test(sub) ? sub : null
  } catch (error) {
    if (error instanceof errors.JOSEError) return null
    throw error
  }
}
