// Answers that do not arrive whole.
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context } from 'hono'

/** Ends the connection without an answer. */
export function breakConnection(c: Context, how: 'reset' | 'close' = 'close'): Response {
  const { socket } = outgoingOf(c)
  if (how === 'reset') socket?.resetAndDestroy()
  else socket?.destroy()
  return RESPONSE_ALREADY_SENT
}

/** Sends half of the body, announces the whole of it, and ends the connection. */
export async function breakOff(c: Context, answer: Response): Promise<Response> {
  const outgoing = outgoingOf(c)
  const body = new Uint8Array(await answer.arrayBuffer())
  outgoing.statusCode = answer.status
  outgoing.setHeaders(answer.headers)
  outgoing.setHeader('content-length', body.length)
  outgoing.flushHeaders()
  outgoing.write(half(body))
  outgoing.socket?.destroySoon()
  return RESPONSE_ALREADY_SENT
}

/** A whole HTTP answer, half of whose body is missing. */
export async function truncated(answer: Response): Promise<Response> {
  if (answer.body === null) return answer
  const body = half(new Uint8Array(await answer.arrayBuffer()))
  const headers = new Headers(answer.headers)
  headers.set('content-length', String(body.length))
  return new Response(body, { status: answer.status, headers })
}

const half = (body: Uint8Array<ArrayBuffer>) => body.subarray(0, body.length >> 1)

function outgoingOf(c: Context): HttpBindings['outgoing'] {
  const { outgoing } = (c.env ?? {}) as Partial<HttpBindings>
  if (outgoing === undefined) throw new Error('Faults need the Node response in env.outgoing')
  return outgoing
}
