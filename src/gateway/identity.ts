// Who calls, told to the origin so that it can trust it: a short-lived JWT (RFC 7519) signed with the origin's secret.
import { SignJWT } from 'jose'
import type { KeyMode } from '../api-key.ts'
import type { Config } from '../env.ts'
import type { Tier } from '../plans.ts'

/** The request header that carries it. */
export const IDENTITY_HEADER = 'Tollgate-Identity'

const IDENTITY_SECONDS = 60

/** What the origin is told. */
export interface Identity {
  userId: string
  tier: Tier
  /** `test`: with a test key, free of charge. */
  mode: KeyMode
  requestId: string
  /** Unlike the request's id, which the caller may choose, used once. */
  tokenId: string
}

/** HS256; `aud` is the origin's own scheme, host and port, `sub` the user; expires after 60 seconds. */
export function signIdentity(
  { url, signingSecret }: NonNullable<Config['origin']>,
  { userId, tier, mode, requestId, tokenId }: Identity,
  now: Date,
): Promise<string> {
  const issuedAt = Math.floor(now.getTime() / 1000)
  return new SignJWT({ tier, mode, request_id: requestId })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer('tollgate')
    .setAudience(url.origin)
    .setSubject(userId)
    .setJti(tokenId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + IDENTITY_SECONDS)
    .sign(new TextEncoder().encode(signingSecret))
}
