// What a caller writes does not become a header of the answer's, nor a line of the log's.
import { afterEach, describe, expect, test, vi } from 'vitest'
import { consoleLog } from '../../src/log.ts'
import { type Answer, type Json, testApp } from '../support/app.ts'
import { bodyFor, citizen, credentialsFor, hasBody, ROUTES, send } from '../support/attack.ts'

const app = testApp()
const person = await citizen(app)

const breaks = ['\r\n', '\n', '\r', '\u2028', '%0d%0a', '\\r\\n', '\u010d\u010a', '\0']
const payload = (line: string) => `x${line}X-Evil: 1${line}Set-Cookie: evil=1${line}${line}<script>`

/** Header names that no route of ours ever writes, and values that no header may hold. */
function expectUntouched({ headers }: Answer, what: unknown): void {
  const where = JSON.stringify(what)
  for (const [name, value] of headers) {
    expect(name, where).not.toMatch(/evil|set-cookie|refresh/i)
    if (name === 'location') expect(value, where).toMatch(/^\/api\/v1\/keys\/[0-9a-f]{16}$/)
    expect(value, where).not.toMatch(/evil|script|[^\x20-\x7e]/i)
  }
  const seconds = headers.get('Retry-After')
  if (seconds !== null) expect(seconds, where).toMatch(/^\d{1,6}$/)
  const id = headers.get('X-Request-Id')
  expect(id, where).toMatch(/^[\w=-]{1,255}$/)
}

describe.each(ROUTES.map((route) => [route.name, route] as const))('%s', (_, route) => {
  test.each(['\r\n', '\n', '\u010d\u010a'])(
    'writes no header that its caller made up after %j',
    async (line) => {
      const evil = payload(line)
      const body = bodyFor(route, person)
      const bodies: Json[] = hasBody(route)
        ? [
            ...Object.keys(body).map((name) => ({ ...body, [name]: evil })),
            { ...body, [evil]: evil },
            { ...body, params: { [evil]: evil, scenario: evil } },
          ]
        : [undefined]
      for (const each of bodies) {
        const who = credentialsFor(route, person)
        const answer = await send(app, route, { ...who, id: evil, body: each })
        expectUntouched(answer, [route.name, each])
      }
      const query = await app.call(route.method, `${route.path}?a=${encodeURIComponent(evil)}`)
      expectUntouched(query, route.name)
    },
  )
})

describe('the request id', () => {
  test.each([
    'a b',
    'a;b',
    'a,b',
    '<script>',
    '"a"',
    'a'.repeat(256),
    'a%0d%0aevil: 1',
    '\u00e9',
    'a:b',
    'a/b',
    '{}',
  ])('is ours where the caller’s is %j', async (given) => {
    const { headers, json } = await app.call('GET', '/nowhere', {
      headers: { 'X-Request-Id': given },
    })
    expect(headers.get('X-Request-Id')).not.toBe(given)
    expect(json.request_id).toBe(headers.get('X-Request-Id'))
    expect(json.request_id).toMatch(/^[\w=-]{1,255}$/)
  })
})

describe('a line of the log', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  test.each([...breaks, '\u2029', '\u001b[2J', '"}\n{"level":"info"', '\u0085'])(
    'stays one, whatever is in it: %j',
    (line) => {
      const lines: string[] = []
      for (const level of ['info', 'warn', 'error'] as const) {
        vi.spyOn(console, level).mockImplementation((text) => lines.push(text))
        consoleLog(level, `event${line}`, { field: payload(line), [`name${line}`]: line })
      }
      expect(lines).toHaveLength(3)
      for (const text of lines) {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what would end or hide a line.
        expect(text).not.toMatch(/[\u0000-\u001f]/)
        expect(JSON.parse(text)).toMatchObject({ field: payload(line), event: `event${line}` })
      }
    },
  )

  test('of a failed request has its path as one value', async () => {
    const down = testApp({ DATABASE_URL: 'postgres://u:p@127.0.0.1:9/db' })
    await down.call('GET', '/billing/usage?x=%0a%7b%22level%22', { token: person.token })
    const lines = down.logs.map(({ event, fields }) => JSON.stringify({ event, ...fields }))
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) expect(line).not.toMatch(/[\r\n]/)
  })
})
