// The Stripe-Signature header of one attempt (https://docs.stripe.com/webhooks#verify-manually).
import { createHmac } from 'node:crypto'

/**
 * `t=<unix seconds>,v1=<hex>,v0=<hex>`. Only v1 counts: as in Stripe's test mode a made-up v0 comes
 * along, so that a receiver which accepts any scheme is found out here.
 */
export function signatureHeader(body: string, secret: string, signedAt: Date): string {
  const t = Math.floor(signedAt.getTime() / 1000)
  const v1 = createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')
  const v0 = createHmac('sha256', 'not the secret').update(`${t}.${body}`).digest('hex')
  return `t=${t},v1=${v1},v0=${v0}`
}
