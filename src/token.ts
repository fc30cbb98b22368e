// Access tokens: JWTs (RFC 7519) signed by HS256, with algorithm, issuer, audience and expiry pinned.
import { errors, jwtVerify, SignJWT } from 'jose'

export const TOKEN_SECONDS = 24 * 60 * 60

const ALGORITHM = 'HS256'
const ISSUER = 'tollgate'
const AUDIENCE = 'tollgate-api'

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
    return payload.sub ?? null
  } catch (error) {
    if (error instanceof errors.JOSEError) return null
    throw error
  }
}
