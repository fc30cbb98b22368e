// The OpenAPI document: it has every operation of the app, says who may call it, and knows every code.
import { expect, test } from 'vitest'
import document from '../../public/openapi.json' with { type: 'json' }
import { CATALOGUE } from '../../src/problem.ts'
import { testApp } from '../support/app.ts'
import { type Door, ROUTES, routesOf } from '../support/attack.ts'
import { OPERATIONS } from './hold.ts'

const app = testApp()

test('it is served, as it is made, to everybody', async () => {
  const { status, text, headers } = await app.call('GET', '/openapi.json')
  expect(status).toBe(200)
  expect(headers.get('Content-Type')).toBe('application/json')
  expect(JSON.parse(text)).toEqual(document)
})

test('its operations are the routes of the app', () => {
  const routes = ROUTES.map(({ name }) => name.replaceAll(/:(\w+)/g, '{$1}'))
  expect(OPERATIONS.map(({ name }) => name).sort()).toEqual(routes.sort())
})

const SECURITY: Readonly<Record<Door, readonly string[]>> = {
  public: [],
  account: ['Bearer', 'ApiKey'],
  person: ['Bearer'],
  paid: ['ApiKey'],
}

test.each(Object.entries(SECURITY))('a door that is %s takes %j', (door, schemes) => {
  const behind = routesOf(door as Door).map(({ name }) => name.replaceAll(/:(\w+)/g, '{$1}'))
  const said = OPERATIONS.filter(({ security }) => {
    // Stripe signs bodies; no door of ours looks for a credential there.
    const names = security.flatMap(Object.keys).filter((name) => name !== 'StripeSignature')
    return JSON.stringify(names) === JSON.stringify(schemes)
  })
  expect(said.map(({ name }) => name).sort()).toEqual(behind.sort())
})

test('every code of the catalogue has its schema, with its status', () => {
  const problems = Object.values(document.components.schemas).flatMap((schema) => {
    const { code, status } = (schema as { properties?: Record<string, { const?: unknown }> })
      .properties ?? { code: undefined, status: undefined }
    return code?.const ? [[code.const, status?.const]] : []
  })
  const catalogue = Object.entries(CATALOGUE).map(([code, { status }]) => [code, status])
  expect(problems.sort()).toEqual(catalogue.sort())
})
