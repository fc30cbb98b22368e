// What a type of data set is: its data card, and the JSON Schemas of what is asked and what is answered.
import * as z from 'zod/mini'
import { type DatasetTypeName, datasetTypeOf } from './catalogue.ts'
import type { Column } from './dataset-type.ts'

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

/** The body of GET /datasets/{type}. */
export function describeType(name: DatasetTypeName) {
  const { card, formats, algorithm, params, limits, records } = datasetTypeOf(name)
  const kinds = Object.values(records).map(recordSchema)
  return {
    dataset_type: name,
    ...card,
    algorithm,
    formats,
    limits,
    params_schema: z.toJSONSchema(params, { io: 'input' }),
    record_schema: { $schema: DIALECT, ...(kinds.length === 1 ? kinds[0] : { oneOf: kinds }) },
  }
}

function recordSchema(columns: readonly Column[]) {
  return {
    type: 'object',
    properties: Object.fromEntries(
      columns.map(({ name, type, unit, description }) => [
        name,
        // JSON Schema has no word for units: `x-unit` as OpenAPI's extensions are called.
        { type, description, ...(unit && { 'x-unit': unit }) },
      ]),
    ),
    required: columns.map(({ name }) => name),
    additionalProperties: false,
  }
}
