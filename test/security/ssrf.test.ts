// No request of ours goes where a caller says: every URL that we take, every place a host can stand in, and all that
// the Worker asks for written down.
import { afterAll, describe, expect, test } from 'vitest'
import { type Json, testApp, unique } from '../support/app.ts'
import { bodyFor, citizen, credentialsFor, hasBody, ROUTES, send } from '../support/attack.ts'
import { gateway, originUrl, stack, story } from '../support/origin.ts'
import { customer } from '../support/shop.ts'

// Whoever connects with `fetch` keeps the one that it finds: this stands before them.
const asked = new Set<string>()
const { fetch } = globalThis
globalThis.fetch = (input, init) => {
  asked.add(new URL(input instanceof Request ? input.url : String(input)).host)
  return fetch(input, init)
}
afterAll(() => {
  globalThis.fetch = fetch
})

const hostOf = (url: string) => new URL(url).host
const OURS = new Set([
  // How the driver speaks to Neon of a loopback host: see the contract.
  hostOf(stack.databaseUrl.replace(/^postgres/, 'http')),
  hostOf(stack.redisUrl),
  hostOf(stack.stripeApiBase),
])
const expectNobodyElseAsked = () => expect([...asked].filter((host) => !OURS.has(host))).toEqual([])

const app = testApp()
const listed = testApp({ ALLOWED_REDIRECT_ORIGINS: 'https://good.example' })
const person = await citizen(app)

/** A URL of somebody who would hear it if we asked, and whether they did. */
const { id: storyId } = story(unique('ssrf'))
// By the real `fetch`: the test's own requests are not the Worker's.
const hits = async () => Number(await (await fetch(`${originUrl}/_hits/${storyId}`)).text())
const listening = `${originUrl}/echo?id=${storyId}`
const { port } = new URL(originUrl)

const refusedAlways = [
  `http://127.0.0.1.evil.example/`,
  `http://localhost.evil.example/`,
  `http://127.0.0.1@evil.example/`,
  `http://localhost:${port}@evil.example/`,
  `http://evil.example/`,
  'http://169.254.169.254/latest/meta-data/',
  'http://metadata.google.internal/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::]/',
  'http://0.0.0.0/',
  'http://10.0.0.1/',
  'https://user@good.example/',
  'https://user:password@good.example/',
  'https://:password@good.example/',
  'https://good.example:secret@evil.example/',
  '//evil.example/',
  '\\\\evil.example\\',
  '/relative',
  'evil.example',
  '',
  'https://',
  'https:///',
  'https://evil example/',
  'javascript:alert(1)',
  'JavaScript://good.example/%0aalert(1)',
  'java\tscript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:msgbox(1)',
  'file:///etc/passwd',
  'ftp://good.example/',
  'ws://good.example/',
  'wss://good.example/',
  'gopher://127.0.0.1:6379/_INFO',
  'blob:https://good.example/1',
  'about:blank',
  'mailto:a@good.example',
  'view-source:https://good.example/',
]
/** Fine anywhere, but not where a list says which origins are. */
const refusedByList = [
  'https://evil.example/',
  'https://good.example.evil.example/',
  'https://evilgood.example/',
  'https://good.example:8443/',
  'https://good.example./',
  'https://gооd.example/',
  'https://good.example%2eevil.example/',
  'https://evil.example\\@good.example/',
  'https://evil.example/https://good.example/',
  'https://evil.example#@good.example/',
  'https://evil.example?@good.example/',
  'https:evil.example',
  'https:/evil.example',
  'https:\\\\evil.example',
  'ht\ntps://evil.exa\tmple/',
  'https://GOOD.example.evil.example',
  'https://127.0.0.1/',
  'https://169.254.169.254/latest/meta-data/',
  'http://127.1/',
  'http://2130706433/',
  'http://0x7f.0.0.1/',
  'http://0177.0.0.1/',
  'http://127.0.0.1/',
]
const alike = [
  'https://good.example/x',
  'HTTPS://GOOD.example:443/x',
  'https:good.example/x',
  ' https://good.example/x\n',
  'https://good.exam\tple/x',
]

const fields = [
  ['POST', '/billing/checkout/session', 'success_url'],
  ['POST', '/billing/checkout/session', 'cancel_url'],
  ['POST', '/billing/portal', 'return_url'],
] as const
const base = {
  tier: 'hobby',
  success_url: 'https://good.example/ok',
  cancel_url: 'https://good.example/no',
  return_url: 'https://good.example/back',
}

describe.each(fields)('%s %s: %s', (method, path, field) => {
  // Somebody else each time: an account may ask for a few a minute.
  const give = async (through: typeof app, url: unknown) => {
    const { token } = await citizen(through)
    return through.call(method, path, { token, body: { ...base, [field]: url } })
  }

  test.each(refusedAlways)('refuses %j', async (url) => {
    const { status, json } = await give(app, url)
    expect([status, json.code, json.errors?.[0].path]).toEqual([422, 'invalid_request', field])
  })

  test.each(refusedByList)('refuses %j where a list says which origins are right', async (url) => {
    const { status, json } = await give(listed, url)
    expect([status, json.code, json.errors?.[0].path]).toEqual([422, 'invalid_request', field])
  })

  test.each([[[base.success_url]], { href: base.success_url }, 1, true, null])(
    'refuses what is no text: %j',
    async (url) => {
      expect((await give(app, url)).json.code).toBe('invalid_request')
    },
  )

  test('hands a listening one on, and does not ask it', async () => {
    const { status } = await give(app, listening)
    expect([200, 409]).toContain(status)
    expect(await hits()).toBe(0)
  })
})

test('what is checked is what Stripe is given: one spelling for all', async () => {
  for (const url of alike) {
    const buyer = await citizen(listed)
    const { json, text } = await listed.call('POST', '/billing/checkout/session', {
      token: buyer.token,
      body: { ...base, success_url: url, cancel_url: url },
    })
    if (!json.session_id) throw new Error(`${JSON.stringify(url)}: ${text}`)
    const session = await listed.deps.stripe.checkout.sessions.retrieve(json.session_id)
    expect([session.success_url, session.cancel_url]).toEqual([
      'https://good.example/x',
      'https://good.example/x',
    ])
  }
})

const evilHosts = {
  Host: 'evil.example',
  'X-Forwarded-Host': 'evil.example',
  'X-Forwarded-Server': 'evil.example',
  'X-Host': 'evil.example',
  Forwarded: 'host=evil.example;proto=https',
  'X-Original-URL': 'https://evil.example/',
  'X-Rewrite-URL': 'https://evil.example/',
  Origin: 'https://evil.example',
  Referer: 'https://evil.example/',
  'X-Callback-URL': listening,
  'X-Webhook-URL': listening,
  Destination: listening,
  Link: `<${listening}>; rel=preload`,
}

describe.each(ROUTES.map((route) => [route.name, route] as const))('%s', (_, route) => {
  test('asks nobody who stands in its headers, query or body', async () => {
    const body = bodyFor(route, person)
    const bodies: Json[] = hasBody(route)
      ? [
          {
            ...body,
            url: listening,
            callback_url: listening,
            webhook: listening,
            avatar: listening,
            origin: originUrl,
          },
          ...Object.keys(body).map((name) => ({ ...body, [name]: listening })),
        ]
      : [undefined]
    for (const each of bodies) {
      await send(app, route, {
        ...credentialsFor(route, person),
        id: listening,
        headers: evilHosts,
        body: each,
      })
    }
    await app.call(route.method, `${route.path}?url=${encodeURIComponent(listening)}`, {
      headers: evilHosts,
    })
    expect(await hits()).toBe(0)
    expectNobodyElseAsked()
  })
})

test('the gateway asks its origin alone, whatever the path and the host', async () => {
  const { send: pass } = gateway('/base')
  const { key } = await customer({ tier: 'pro', known: true })
  const paths = [
    '//evil.example/x',
    '///evil.example',
    '/\\evil.example',
    '/%5c%5cevil.example',
    '/@evil.example/',
    '/:80@evil.example/',
    '/.evil.example',
    '/%2f%2fevil.example',
    '/%0d%0aHost:%20evil.example',
    '/x?url=https://evil.example/',
    '/http://evil.example/',
    '/http:%2f%2fevil.example/',
    '/%00',
    '/;evil.example',
    '/?@evil.example',
    '/#@evil.example',
    '/..//evil.example',
    'http://evil.example/x',
    'http://user:password@evil.example/x',
    'http://evil.example:1/x',
    'http://[::1]:1/x',
  ]
  for (const path of paths) {
    const { response, settled } = await pass(path, { key, headers: evilHosts })
    expect(response.status, path).toBeLessThan(500)
    await response.text()
    await settled()
  }
  expect(asked).toContain(hostOf(originUrl))
  OURS.add(hostOf(originUrl))
  expectNobodyElseAsked()
})

test('what is asked by `fetch` is written down', async () => {
  asked.clear()
  await (await globalThis.fetch(listening)).text()
  expect([...asked]).toEqual([hostOf(originUrl)])
  expect(await hits()).toBe(1)
})
