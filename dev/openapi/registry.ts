// The schemas that the document names, and what it says of their fields beside what zod knows.
import { isDeepStrictEqual as isDeepEqual } from 'node:util'
import * as z from 'zod/mini'

/** What a field means, and JSON Schema's words that zod has no check for. */
export interface Meta {
  description?: string
  format?: string
}

/** By the name under components/schemas. */
const named = { input: z.registry<{ id: string }>(), output: z.registry<{ id: string }>() }
const fields = z.registry<Meta>()

/** A schema that the document refers to by its name. */
export interface Component {
  readonly id: string
}

/** Names the schema that validates a request. */
export function request(id: string, schema: z.ZodMiniType, description?: string): Component {
  named.input.add(schema, { id })
  if (description) fields.add(schema, { description })
  return { id }
}

/** Names the schema of an answer, so that others may hold it. */
export function answer<Schema extends z.ZodMiniType>(
  id: string,
  schema: Schema,
  description?: string,
): Component & { schema: Schema } {
  named.output.add(schema, { id })
  if (description) fields.add(schema, { description })
  return { id, schema }
}

/** Says what a field is, wherever its schema stands. */
export function tell<Schema extends z.ZodMiniType>(schema: Schema, meta: Meta): Schema {
  fields.add(schema, { ...fields.get(schema), ...meta })
  return schema
}

/** Names a schema of an answer that is JSON Schema already, made by src. */
export function given(id: string, jsonSchema: object): Component & { schema: z.ZodMiniType } {
  const schema = z.unknown()
  // A copy each time: zod makes it into a reference.
  schema._zod.toJSONSchema = () => structuredClone(jsonSchema)
  return answer(id, schema)
}

type Json = Record<string, unknown>

/** All of them as JSON Schema 2020-12, which is OpenAPI 3.1's own. */
export function componentSchemas(): Record<string, Json> {
  return { ...schemasOf('input'), ...schemasOf('output') }
}

function schemasOf(io: 'input' | 'output'): Record<string, Json> {
  const { schemas } = z.toJSONSchema(named[io], {
    io,
    metadata: fields,
    uri: referenceTo,
    override: ({ jsonSchema }) => bound(jsonSchema as Json, io),
  })
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _, $id: __, ...schema }]) => [id, schema]),
  )
}

export function referenceTo(id: string): string {
  return `#/components/schemas/${id}`
}

const INT32 = 2 ** 31 - 1

/** What zod leaves open and every reader may rely on. */
function bound(schema: Json, io: 'input' | 'output'): void {
  if (schema.type === 'integer') {
    const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = schema
    const isSmall = Math.max(Math.abs(Number(minimum)), Math.abs(Number(maximum))) <= INT32
    Object.assign(schema, { minimum, maximum, format: isSmall ? 'int32' : 'int64' })
  }
  // What every object's names are.
  if (isDeepEqual(schema.propertyNames, { type: 'string' })) delete schema.propertyNames
  // An answer may have more members in the next version: a client that refuses those would break. The tests do refuse.
  if (io === 'output' && schema.additionalProperties === false) delete schema.additionalProperties
}
