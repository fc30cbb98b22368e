// The HTTP skin on the wire: what only a real socket shows.
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { bundle } from '../bench/bundle.ts'
import { startWorkerd, type Workerd } from '../bench/workerd.ts'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-workerd-'))
let worker: Workerd

beforeAll(async () => {
  worker = await startWorkerd(await bundle('src/index.ts', folder), inject('vars'))
})
afterAll(async () => {
  await worker?.close()
  rmSync(folder, { recursive: true, force: true })
})

const HOST = 'Host: tollgate.test\r\n'
const LAST = 'GET /api/v1/health HTTP/1.1\r\nHost: tollgate.test\r\nConnection: close\r\n\r\n'

const statusesIn = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code))

/** The statuses and the text of what these bytes are answered with, until the other side closes. */
function wire(...pieces: (string | Buffer)[]): Promise<{ statuses: number[]; text: string }> {
  const asked = pieces.join('').match(/^[A-Z]+ \S+ HTTP\/1\.1\r$/gm)?.length
  return new Promise((resolve) => {
    const socket = connect(worker.port, '127.0.0.1', () => {
      for (const piece of pieces) socket.write(piece)
    })
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      // All is answered: workerd would wait for more requests, for five seconds.
      if (statusesIn(text).length === asked) socket.end()
    })
    // A refused connection may be reset; what was heard until then counts.
    socket.on('error', () => {})
    socket.on('close', () => {
      resolve({ statuses: statusesIn(text), text })
    })
  })
}

const login = (headers: string) =>
  `POST /api/v1/auth/login HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n${headers}\r\n`

describe('a connection goes on after', () => {
  test.each([
    ['HEAD', `HEAD /api/v1/health HTTP/1.1\r\n${HOST}\r\n`, 200],
    ['OPTIONS', `OPTIONS /api/v1/auth/login HTTP/1.1\r\n${HOST}\r\n`, 204],
    ['TRACE', `TRACE /api/v1/health HTTP/1.1\r\n${HOST}\r\n`, 405],
    [
      'GET with a body that nobody reads',
      `GET /api/v1/health HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
      200,
    ],
    [
      'POST with a body to nowhere',
      `POST /api/v1/nowhere HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
      404,
    ],
    ['a body in chunks', `${login('Transfer-Encoding: chunked\r\n')}2\r\n{}\r\n0\r\n\r\n`, 422],
    ['no body at all', login('Content-Length: 0\r\n'), 400],
    [
      'a length and chunks: the chunks count (RFC 9112, 6.3)',
      `${login('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\n`,
      400,
    ],
  ])('%s', async (_, request, status) => {
    const { statuses, text } = await wire(request, LAST)
    expect(statuses).toEqual([status, 200])
    expect(text).toContain('"status":"ok"')
  })
})

test('HEAD tells the length that GET has', async () => {
  const { text } = await wire(`HEAD /api/v1/health HTTP/1.1\r\n${HOST}\r\n`, LAST)
  const lengths = [...text.matchAll(/^content-length: (\d+)/gim)].map(([, length]) => length)
  expect(lengths).toHaveLength(2)
  expect(lengths[0]).toBe(lengths[1])
})

test('a gzipped body is refused, however little it is and however much it would be', async () => {
  const bomb = gzipSync(Buffer.alloc(10_000_000))
  const headers = `Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n`
  const { statuses } = await wire(login(headers), bomb, LAST)
  expect(statuses).toEqual([415, 200])
})

test('a body in chunks that never says how long it is ends as 413', async () => {
  const chunk = `8000\r\n${'x'.repeat(0x8000)}\r\n`
  const { statuses } = await wire(
    login('Transfer-Encoding: chunked\r\n'),
    chunk.repeat(100),
    '0\r\n\r\n',
    LAST,
  )
  expect(statuses).toEqual([413, 200])
})

test('two keys are no key', async () => {
  const keys = 'X-API-Key: a\r\nX-API-Key: b\r\n'
  const { statuses } = await wire(`GET /api/v1/billing/usage HTTP/1.1\r\n${HOST}${keys}\r\n`, LAST)
  expect(statuses).toEqual([401, 200])
})

// The server's own refusals: none of these reaches the Worker. Cloudflare's edge answers them before workerd would.
test.each([
  ['an unknown method', `BREW /api/v1/health HTTP/1.1\r\n${HOST}\r\n`],
  ['a method in lower case', `get /api/v1/health HTTP/1.1\r\n${HOST}\r\n`],
  ['no host', 'GET /api/v1/health HTTP/1.1\r\n\r\n'],
  ['a NUL in the path', `GET /api/v1/\0health HTTP/1.1\r\n${HOST}\r\n`],
  ['a backslash for a slash', `GET \\api\\v1\\health HTTP/1.1\r\n${HOST}\r\n`],
  ['two lengths', `${login('Content-Length: 2\r\nContent-Length: 3\r\n')}{}`],
])('%s is not served', async (_, request) => {
  const before = requestLines().length
  const { statuses } = await wire(request, LAST)
  expect(statuses[0]).toBeGreaterThanOrEqual(400)
  expect(requestLines().length - before).toBeLessThanOrEqual(1)
})

test('the log has a JSON line for each request, and nothing else of the Worker’s', async () => {
  const lines = requestLines().map((line) => JSON.parse(line))
  expect(lines.length).toBeGreaterThan(10)
  for (const line of lines) {
    expect(line).toMatchObject({
      level: 'info',
      event: 'request',
      request_id: expect.any(String),
      method: expect.any(String),
      status: expect.any(Number),
      ms: expect.any(Number),
    })
  }
})

test('and nothing of whoever signs up, logs in and calls', async () => {
  const email = `person-${crypto.randomUUID()}@example.com`
  const password = 'correct horse battery'
  const call = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const answer = await fetch(`http://127.0.0.1:${worker.port}/api/v1${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    return (await answer.json()) as Record<string, string>
  }
  const { access_token, api_key = '' } = await call('/auth/register', { email, password })
  await call('/auth/login', { email, password })
  await call('/auth/login', { email, password: `not ${password}` })
  await call('/datasets/generate', {}, { 'X-API-Key': api_key, 'X-Request-Id': api_key })
  await call(`/${api_key}?key=${api_key}`, {})
  await expect.poll(() => requestLines().at(-1)).toContain('"code":"not_found"')
  const vars = Object.entries(inject('vars')).filter(([name]) => /SECRET|TOKEN|DATABASE/.test(name))
  for (const secret of [
    email,
    password,
    access_token,
    api_key,
    ...vars.map(([, value]) => value),
  ]) {
    expect(secret).toMatch(/./)
    expect(worker.output()).not.toContain(secret)
  }
})

function requestLines(): string[] {
  return worker
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
}
