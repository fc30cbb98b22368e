// What holds for every type of data set in every format, over HTTP: generated from the catalogue.
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { DATASET_TYPES, datasetTypeOf } from '../../src/datasets/catalogue.ts'
import { signUp, testApp } from '../support/app.ts'
import { subscribe } from '../support/stripe.ts'

const app = testApp()
const customer = signUp(app, 'pro').then((person) => subscribe(app, person, 'pro'))
const testKey = customer.then(async ({ token }) => {
  const { json } = await app.call('POST', '/keys', { token, body: { name: 'test', mode: 'test' } })
  return json.key as string
})

async function generate(body: object, key?: string) {
  return app.call('POST', '/datasets/generate', { key: key ?? (await customer).key, body })
}

async function reactionsUsed(): Promise<number> {
  const { json } = await app.call('GET', '/billing/usage', { key: (await customer).key })
  return json.current_month.reactions
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Buffer.from(digest).toString('hex')
}

/** The last line, and all before it. */
function cut(text: string): { body: string; last: string } {
  const at = text.lastIndexOf('\n', text.length - 2) + 1
  return { body: text.slice(0, at), last: text.slice(at) }
}

/** A member of the last line, in whatever format it is written. */
function told(last: string, name: string): string | undefined {
  return new RegExp(`\\b${name}"?[=:]\\s*"?([\\w.-]+)`).exec(last)?.[1]
}

const CASES = DATASET_TYPES.flatMap((name) =>
  datasetTypeOf(name).formats.map((format) => [name, format] as const),
)

describe.each(CASES)('%s as %s', (name, format) => {
  const order = { dataset_type: name, params: { seed: 11 }, format }

  test('comes whole with its defaults: the last line has the sum of the others, and is the bill', async () => {
    const before = await reactionsUsed()
    const { status, text, headers } = await generate(order)
    expect(status).toBe(200)
    const { body, last } = cut(text)
    expect(told(last, 'sha256')).toBe(await sha256(body))
    expect(told(last, 'seed')).toBe('11')
    expect(told(last, 'algorithm')).toBe(datasetTypeOf(name).algorithm)
    expect(headers.get('X-Dataset-Algorithm')).toBe(datasetTypeOf(name).algorithm)
    expect(headers.get('Content-Disposition')).toMatch(
      new RegExp(`^attachment; filename="${name}-[\\w-]+-11\\.${format}"$`),
    )
    const reactions = Number(told(last, 'reactions'))
    expect(reactions).toBeGreaterThan(100)
    expect((await reactionsUsed()) - before).toBe(reactions)
    const estimate = await app.call('POST', '/datasets/estimate', { body: order })
    expect(estimate.json.cost.reactions_at_most).toBeGreaterThanOrEqual(reactions)
  })

  test('is the same bytes for the same seed', async () => {
    const [one, other, another] = [
      await generate(order),
      await generate({ format, params: { seed: 11 }, dataset_type: name }),
      await generate({ ...order, params: { seed: 12 } }),
    ]
    expect(other.text).toBe(one.text)
    expect(cut(another.text).body).not.toBe(cut(one.text).body)
  })

  test('is a small sample for a test key, whatever is asked for, and costs nothing', async () => {
    const before = await reactionsUsed()
    const key = await testKey
    const [one, other] = [
      await generate(order, key),
      await generate({ ...order, params: { seed: 5 } }, key),
    ]
    expect(one.status).toBe(200)
    expect(other.text).toBe(one.text)
    expect(told(cut(one.text).last, 'sample')).toBe('true')
    expect(Number(told(cut(one.text).last, 'reactions'))).toBeLessThanOrEqual(100)
    expect(one.headers.get('Content-Disposition')).toContain(`${name}-sample.${format}`)
    expect(await reactionsUsed()).toBe(before)
  })
})

describe.each(DATASET_TYPES)('the description of %s', (name) => {
  const description = app.call('GET', `/datasets/${name}`).then(({ json }) => json)

  test('has the schema of each record that is sent', async () => {
    const { record_schema } = await description
    const schema = z.fromJSONSchema(record_schema)
    const { text } = await generate({ dataset_type: name, params: { seed: 3 }, format: 'ndjson' })
    const records = text.trimEnd().split('\n').slice(0, -1)
    expect(records.length).toBeGreaterThan(100)
    for (const record of records) schema.parse(JSON.parse(record))
    expect(schema.safeParse({ ...JSON.parse(records[0] ?? ''), more: 1 }).success).toBe(false)
  })

  test('has a schema of the parameters that takes what is taken, and bounds what is bounded', async () => {
    const { params_schema, limits } = await description
    expect(params_schema.additionalProperties).toBe(false)
    expect(params_schema.required ?? []).toEqual([])
    for (const [parameter, [least, most]] of Object.entries<number[]>(limits.pro)) {
      const {
        maximum,
        exclusiveMinimum,
        minimum = exclusiveMinimum,
      } = params_schema.properties[parameter]
      expect([minimum, maximum], parameter).toEqual([least, most])
    }
  })

  test('allows a larger plan whatever a smaller one may ask for', async () => {
    const { limits } = await description
    for (const [smaller, larger] of [
      [limits.hobby, limits.research],
      [limits.research, limits.pro],
    ]) {
      for (const [parameter, [least, most]] of Object.entries<number[]>(smaller)) {
        expect(larger[parameter][0], parameter).toBeLessThanOrEqual(least ?? 0)
        expect(larger[parameter][1], parameter).toBeGreaterThanOrEqual(most ?? 0)
      }
    }
  })

  test('says what every field is, in its unit', async () => {
    const { record_schema } = await description
    for (const { properties } of record_schema.oneOf ?? [record_schema]) {
      for (const [field, { description: text }] of Object.entries<{ description: string }>(
        properties,
      )) {
        expect(text?.length, field).toBeGreaterThan(3)
      }
    }
  })
})
