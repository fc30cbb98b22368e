// What a JSON body may be: its media type, its coding, its text; and that no oddity in it ends as 500 or as more than
// what the schema names.
import { describe, expect, test } from 'vitest'
import { createApp } from '../../src/app.ts'
import { freshAddress, signUp, testApp, unique } from '../support/app.ts'
import { subscribe } from '../support/stripe.ts'

const app = testApp()
const person = await subscribe(app, await signUp(app))

/** To the door that needs no account. */
const post = (body: BodyInit, headers: Record<string, string> = {}) =>
  app.app.request(
    '/api/v1/auth/register',
    {
      method: 'POST',
      body,
      headers: {
        'Content-Type': 'application/json',
        'CF-Connecting-IP': freshAddress(),
        ...headers,
      },
    },
    undefined,
    {} as never,
  )
const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code
const outcome = async (response: Response) => [response.status, await codeOf(response)]

describe('the media type', () => {
  test.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json ; charset="utf-8"',
    'application/json; Charset="UTF-8" ',
  ])('%j is JSON', async (type) => {
    expect(await outcome(await post('{}', { 'Content-Type': type }))).toEqual([
      422,
      'invalid_request',
    ])
  })

  test.each([
    '',
    'json',
    'text/json',
    'text/plain',
    'application/jsonx',
    'application/jsonp',
    'application/json-patch',
    'application/json-patch+json',
    'application/ld+json',
    'application/json, application/json',
    'application/json; charset=latin1',
    'application/json; charset=utf-16',
    'application/json; charset="utf-8',
    'application/json; charset=utf-8; charset=latin1',
    'application/json; boundary=x',
    'application/json charset=utf-8',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
  ])('%j is refused, and told what is accepted', async (type) => {
    const response = await post('{}', { 'Content-Type': type })
    expect(response.headers.get('Accept')).toBe('application/json')
    expect(await outcome(response)).toEqual([415, 'unsupported_media_type'])
  })

  test('is refused where there is none', async () => {
    const response = await post(new Uint8Array([0x7b, 0x7d]), { 'Content-Type': '' })
    expect(response.status).toBe(415)
  })

  const withBodies = createApp().routes.filter(
    ({ method, path }) => /POST|PUT|PATCH/.test(method) && !path.includes('webhooks'),
  )
  test.each(
    withBodies.map(({ method, path }) => `${method} ${path.replace(/:\w+/g, 'f'.repeat(16))}`),
  )('that is not JSON never gets a 2xx from %s', async (route) => {
    const [method = '', path = ''] = route.split(' ')
    for (const who of [{ token: person.token }, { key: person.key }]) {
      const headers = { 'Content-Type': 'text/plain' }
      const { status, json } = await app.call(method, path, { ...who, headers, body: '{}' })
      if (status >= 300) expect(status).toBeLessThan(500)
      // A route that takes no body reads none.
      if (json.code === 'invalid_request') expect.fail('It read a body that is not JSON')
    }
  })
})

describe('the content coding', () => {
  test.each(['gzip', 'GZIP', 'br', 'deflate', 'identity, gzip', 'x'])(
    '%j is refused, unread',
    async (coding) => {
      const response = await post('{}', { 'Content-Encoding': coding })
      expect(response.headers.get('Accept-Encoding')).toBe('identity')
      expect(await outcome(response)).toEqual([415, 'unsupported_media_type'])
    },
  )

  test('identity is none', async () => {
    expect((await post('{}', { 'Content-Encoding': 'identity' })).status).toBe(422)
  })
})

describe('the length', () => {
  test.each(['-1', 'x', '1e99', '0', '1', '99999999999999999999'])(
    'is what is sent, whatever Content-Length claims: %s',
    async (claimed) => {
      const { status } = await post(`{"email":"${'x'.repeat(70_000)}"}`, {
        'Content-Length': claimed,
      })
      expect(status).toBe(413)
    },
  )

  test('is counted in bytes, to the last one', async () => {
    const room = 64 * 1024 - '{"email":""}'.length
    expect((await post(`{"email":"${'x'.repeat(room)}"}`)).status).toBe(422)
    expect((await post(`{"email":"${'x'.repeat(room + 1)}"}`)).status).toBe(413)
    expect((await post(`{"email":"${'é'.repeat(room / 2 + 1)}"}`)).status).toBe(413)
  })
})

describe('the text', () => {
  test.each([
    ['empty', ''],
    ['blank', ' \n'],
    // RFC 8259, 8.1: it must not be there.
    ['with a byte order mark', '\uFEFF{}'],
    ['of two values', '{}{}'],
    ['with a comment', '{/**/}'],
    ['with a raw NUL', '{"email":"a\0b"}'],
    ['in UTF-16', new Uint8Array([0xff, 0xfe, 0x7b, 0, 0x7d, 0])],
    ['with half a character', new Uint8Array([0x7b, 0xed, 0xa0, 0x80, 0x7d])],
  ] as [string, BodyInit][])('%s is malformed', async (_, body) => {
    expect(await outcome(await post(body))).toEqual([400, 'malformed_json'])
  })

  test.each([
    'null',
    '[]',
    '"x"',
    '1e999',
    '-0',
    'true',
    `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
    `{"email":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`,
    '{"__proto__":{"email":"a@example.com","password":"correct horse battery"}}',
    '{"constructor":{"prototype":{"email":"a@example.com"}}}',
    '{"email":{"toString":"x"},"password":["correct horse battery"]}',
    '{"email":1e999,"password":1e999}',
  ])('is a value that the schema refuses: %.60s', async (body) => {
    expect(await outcome(await post(body))).toEqual([422, 'invalid_request'])
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as { email?: string }).email).toBeUndefined()
  })

  test('has the last of two members of a name, for whoever reads it', async () => {
    const [first, last] = [`${unique()}@example.com`, `${unique()}@example.com`]
    const { json } = await app.call('POST', '/auth/register', {
      body: `{"email":"${first}","password":"correct horse battery","email":"${last}"}`,
    })
    expect(json.user.email).toBe(last)
  })

  test.each(['\\u0000', '\\ud800', '\\uDFFF', '\\udc00\\ud800'])(
    'that no database can keep is refused, and not by the database: %s',
    async (sequence) => {
      const body = `{"email":"${unique()}@example.com","password":"correct horse ${sequence}"}`
      const { status, json } = await app.call('POST', '/auth/register', { body })
      expect([status, json.code]).toEqual([422, 'invalid_request'])
      expect(json.errors).toMatchObject([{ path: 'password' }])
    },
  )

  test('of whole characters in two escapes is kept', async () => {
    const body = `{"email":"${unique()}@example.com","password":"correct horse \\ud83d\\ude00 \\\\u0000"}`
    expect((await app.call('POST', '/auth/register', { body })).status).toBe(200)
  })

  test.each(['1e999', '-1e999', '1e400', '9007199254740993', '0.1e-400', '"3"', 'null'])(
    'with the number %s is no data set',
    async (number) => {
      const body = `{"dataset_type":"reaction_trajectories","params":{"runs":${number}}}`
      const { status, json } = await app.call('POST', '/datasets/generate', {
        key: person.key,
        body,
      })
      expect([status, json.code]).toEqual([422, 'invalid_request'])
    },
  )
})
