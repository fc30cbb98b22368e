// Requests as bytes, made before they are sent: nothing is built while a call is timed.

export interface RequestOptions {
  method?: string
  headers?: Readonly<Record<string, string>>
  body?: string
}

export function request(
  path: string,
  { method = 'GET', headers = {}, body }: RequestOptions = {},
): Buffer {
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
  const lines = Object.entries({ Host: '127.0.0.1', ...headers, ...length }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`)
}

/** A call of the paid route, or of the bare one. */
export const benchCall = (key?: string): Buffer =>
  request('/api/v1/bench', key === undefined ? {} : { headers: { 'X-API-Key': key } })
