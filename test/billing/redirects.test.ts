// Where Stripe may send a person back to: every way back of every call, at the edges of what is allowed.
import { describe, expect, test } from 'vitest'
import { signUp, testApp } from '../support/app.ts'
import { checkout, subscribe } from '../support/stripe.ts'

const app = testApp()
const home = 'https://app.example.com/'

/** A call with `url` as its way back in one field, the others being fine. */
const FIELDS = {
  success_url: (url: string) => ({ tier: 'hobby', success_url: url, cancel_url: home }),
  cancel_url: (url: string) => ({ tier: 'hobby', success_url: home, cancel_url: url }),
  return_url: (url: string) => ({ return_url: url }),
}
type Field = keyof typeof FIELDS
const fields = Object.keys(FIELDS) as Field[]

async function customer(through = app) {
  const person = await signUp(through)
  await checkout(through, person, 'hobby')
  return async (field: Field, url: string) => {
    const path = field === 'return_url' ? '/billing/portal' : '/billing/checkout/session'
    const body = FIELDS[field](url)
    const { status, json } = await through.call('POST', path, { token: person.token, body })
    return status === 422 ? json.errors.map((error: { path: string }) => error.path) : status
  }
}

describe.each(fields)('%s', (field) => {
  test('must be on an allowed origin, where a list is set', async () => {
    const send = await customer(testApp({ ALLOWED_REDIRECT_ORIGINS: 'https://app.example.com' }))
    expect(await send(field, 'https://app.example.com/account?from=stripe')).toBe(200)
    for (const url of [
      'https://evil.example/',
      'https://app.example.com.evil.example/',
      'https://app.example.com:8443/',
      'http://localhost:3000/',
    ]) {
      expect.soft(await send(field, url), url).toEqual([field])
    }
  })

  test('may be http on loopback, in each of its spellings', async () => {
    const send = await customer()
    for (const host of ['localhost:3000', '127.0.0.1:3000', '[::1]:3000']) {
      expect.soft(await send(field, `http://${host}/`), host).toBe(200)
    }
  })

  test('may not be http anywhere else', async () => {
    const send = await customer()
    for (const host of [
      'app.example.com',
      '0.0.0.0',
      '[::]',
      '[::2]',
      '10.0.0.1',
      '192.168.0.1',
      '169.254.169.254',
      '127.0.0.1.nip.io',
      'localhost.localdomain',
      'host.docker.internal',
    ]) {
      expect.soft(await send(field, `http://${host}/`), host).toEqual([field])
    }
  })

  test('has at most 2048 characters', async () => {
    const send = await customer()
    expect(await send(field, home.padEnd(2048, 'x'))).toBe(200)
    expect(await send(field, home.padEnd(2049, 'x'))).toEqual([field])
  })
})

test('the portal leads a refused buyer back to where the checkout was to be cancelled', async () => {
  const person = await subscribe(app, await signUp(app))
  const { json } = await checkout(app, person, 'pro')
  expect(json.portal.body).toEqual({ return_url: 'https://app.example.com/no' })
})
