// Holds an answer against what the document says of it: status, code, body and headers.
import { expect } from 'vitest'
import * as z from 'zod'
import document from '../../public/openapi.json' with { type: 'json' }
import type { Answer, Json } from '../support/app.ts'

const PREFIX = document.servers[0]?.url ?? ''
const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const

export interface DocumentedOperation {
  /** `METHOD /path` as the document has it. */
  name: string
  method: string
  path: string
  security: readonly Record<string, readonly string[]>[]
  /** The body that the document shows. */
  example: Json
  responses: Readonly<Record<string, Json>>
}

export const OPERATIONS: readonly DocumentedOperation[] = Object.entries(
  document.paths as Record<string, Json>,
).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method]).map((method) => ({
    name: `${method.toUpperCase()} ${PREFIX}${path}`,
    method: method.toUpperCase(),
    path,
    security: item[method].security,
    example: item[method].requestBody?.content['application/json'].example,
    responses: item[method].responses,
  })),
)

/** The operation of a request, or undefined for what is none of ours. */
export function operationAt(method: string, path: string): DocumentedOperation | undefined {
  const asked = path.replace(/\?.*/, '').replace(PREFIX, '')
  const fits = (each: DocumentedOperation) =>
    each.method === method &&
    new RegExp(`^${each.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(asked)
  return OPERATIONS.find(fits)
}

/** What `reference` stands for, and everything that it refers to in its place; closed, so that no member is unknown. */
export function resolved(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(resolved)
  if (typeof schema !== 'object' || schema === null) return schema
  if (typeof schema.$ref === 'string') return resolved(targetOf(schema.$ref))
  const { discriminator: _, ...rest } = schema
  const inner = Object.fromEntries(
    Object.entries(rest).map(([name, each]) => [name, resolved(each)]),
  )
  const isOpen = rest.type !== 'object' || !rest.properties || 'additionalProperties' in rest
  return isOpen ? inner : { ...inner, additionalProperties: false }
}

function targetOf(reference: string): Json {
  const names = reference.slice(2).split('/')
  return names.reduce<Json>((at, name) => at[name], document)
}

const shapes = new Map<string, z.ZodType>()

/** The schema as zod reads it back. */
export function shapeOf(schema: Json): z.ZodType {
  const key = JSON.stringify(schema)
  const known = shapes.get(key) ?? z.fromJSONSchema(resolved(schema))
  shapes.set(key, known)
  return known
}

/** What every answer has besides (docs/http.md). */
const DRESS =
  /^(access-control-expose-headers|cache-control|content-length|content-security-policy|content-type|cross-origin-resource-policy|referrer-policy|strict-transport-security|vary|x-content-type-options)$/

/** What was held so far: `status code` of problems and `METHOD /path status` of answers. */
export const held = new Set<string>()

/** Fails where the document does not say that such a request may be answered so. */
export function holdAnswer(method: string, path: string, answer: Answer): void {
  const operation = operationAt(method, path)
  const { status, headers, text, json } = answer
  const where = `${method} ${path}: ${status} ${text.slice(0, 300)}`
  expect(operation, where).toBeDefined()
  const response = operation?.responses[status]
  expect(response, where).toBeDefined()
  holdHeaders(response.headers, headers, where)
  held.add(`${operation?.name} ${status}`)
  if (!response.content) {
    expect(text, where).toBe('')
    return
  }
  const [type = ''] = (headers.get('Content-Type') ?? '').split(';', 1)
  const media = response.content[type]
  expect(media, `${where} as ${type}`).toBeDefined()
  if (!/[/+]json$/.test(type)) {
    expect(text.length, where).toBeGreaterThan(0)
    return
  }
  const parsed = shapeOf(media.schema).safeParse(json)
  expect(parsed.error?.issues, where).toBeUndefined()
  if (json.code) held.add(`${operation?.name} ${json.code}`)
}

function holdHeaders(said: Json, headers: Headers, where: string): void {
  for (const [name, reference] of Object.entries(said as Record<string, Json>)) {
    const { required, schema } = resolved(reference)
    const value = headers.get(name)
    if (required) expect(value, `${name} of ${where}`).not.toBeNull()
    if (value === null) continue
    const read = schema.type === 'integer' ? Number(value) : value
    expect(
      shapeOf(schema).safeParse(read).error?.issues,
      `${name}: ${value} of ${where}`,
    ).toBeUndefined()
  }
  const known = new Set(Object.keys(said).map((name) => name.toLowerCase()))
  const unsaid = [...headers.keys()].filter((name) => !known.has(name) && !DRESS.test(name))
  expect(unsaid, where).toEqual([])
}
