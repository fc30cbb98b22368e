// What a type of data set is: its data card, and the JSON Schemas of what is asked and what is answered.
import * as z from 'zod/mini'
import { type DatasetTypeName, datasetTypeOf } from './catalogue.ts'
import type { Column } from './dataset-type.ts'
import type { Network } from './reaction-network.ts'

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

/** The body of GET /datasets/{type}. */
export function describeType(name: DatasetTypeName) {
  const { card, formats, algorithm, limits, records, networks } = datasetTypeOf(name)
  const kinds = Object.values(records).map(recordSchema)
  return {
    dataset_type: name,
    ...card,
    algorithm,
    formats,
    limits,
    params_schema: paramsSchema(name),
    ...(networks && {
      networks: Object.fromEntries(
        Object.entries(networks).map(([each, network]) => [each, networkText(network)]),
      ),
    }),
    record_schema: { $schema: DIALECT, ...(kinds.length === 1 ? kinds[0] : { oneOf: kinds }) },
  }
}

function paramsSchema(name: DatasetTypeName) {
  const { params, parameters } = datasetTypeOf(name)
  const { properties = {}, ...schema } = z.toJSONSchema(params, { io: 'input' })
  const described = Object.entries(properties).map(([each, property]) => [
    each,
    { ...(property as object), description: parameters[each] },
  ])
  return { ...schema, properties: Object.fromEntries(described) }
}

/** With the units in the names, as the API's fields have them. */
function networkText({
  kelvin,
  meantForKelvin,
  sources,
  volumeLitres,
  species,
  reactions,
}: Network) {
  return {
    default_kelvin: kelvin,
    meant_for_kelvin: meantForKelvin,
    sources,
    volume_litres: volumeLitres,
    species,
    reactions: reactions.map(({ prefactor, activationEnergy, ...reaction }) => ({
      ...reaction,
      // mol, litres and seconds to the reaction's order.
      prefactor,
      activation_energy_kj_per_mol: activationEnergy,
    })),
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
