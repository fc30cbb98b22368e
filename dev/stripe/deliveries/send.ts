// One signed POST to a webhook endpoint: what came back, or why nothing did.
// node:http rather than fetch, so that the receiver sees Stripe's headers and no others.
import type { IncomingMessage } from 'node:http'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Attempt } from './log.ts'
import { signatureHeader } from './signature.ts'

/** How much of an answer's body is kept, in bytes. */
export const RESPONSE_BYTES_KEPT = 2048

/** `sentAt` is the wall clock's time. `signal` ends the attempt; its reason's message is kept. */
export interface Posting {
  url: string
  body: string
  secret: string
  sentAt: Date
  signal: AbortSignal
}

/** Never rejects: whatever goes wrong is an attempt with an `error`. Redirects are not followed. */
export async function send(posting: Posting): Promise<Attempt> {
  const started = performance.now()
  const answer = await exchange(posting)
  const durationMs = Math.round(performance.now() - started)
  return { at: posting.sentAt.getTime(), durationMs, ...answer }
}

type Answer = Pick<Attempt, 'status' | 'responseBody' | 'error'>

async function exchange(posting: Posting): Promise<Answer> {
  try {
    const response = await post(posting)
    const status = response.statusCode ?? 0
    const responseBody = await readStart(response)
    return { status, responseBody, error: refusal(status) }
  } catch (error) {
    return { status: null, responseBody: '', error: reason(error, posting.signal) }
  }
}

function post({ url, body, secret, sentAt, signal }: Posting): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const start = new URL(url).protocol === 'https:' ? requestHttps : requestHttp
    const outgoing = start(url, {
      method: 'POST',
      agent: false,
      signal,
      headers: {
        'Content-Type': 'application/json; charset=utf-8',
        'Content-Length': Buffer.byteLength(body),
        'Cache-Control': 'no-cache',
        'User-Agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
        Accept: '*/*; q=0.5, application/xml',
        'Stripe-Signature': signatureHeader(body, secret, sentAt),
      },
    })
    outgoing.once('response', resolve)
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

async function readStart(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= RESPONSE_BYTES_KEPT) break
  }
  return Buffer.concat(chunks).subarray(0, RESPONSE_BYTES_KEPT).toString('utf8')
}

function refusal(status: number): string | null {
  if (status >= 200 && status < 300) return null
  if (status >= 300 && status < 400) return `answered ${status}: redirects are not followed`
  return `answered ${status}`
}

function reason(error: unknown, signal: AbortSignal): string {
  if (signal.aborted && signal.reason instanceof Error) return signal.reason.message
  if (!(error instanceof Error)) return String(error)
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ECONNREFUSED') return 'connection refused: nothing listens there (ECONNREFUSED)'
  return error.message || code || error.name
}
