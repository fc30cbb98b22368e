// The data sets: generate, estimate, and what each is.
import * as z from 'zod/mini'
import { DATASET_TYPES, datasetTypeOf } from '../../../src/datasets/catalogue.ts'
import { FORMATS } from '../../../src/datasets/dataset-type.ts'
import { describeType } from '../../../src/datasets/describe.ts'
import { CONTENT_TYPES, datasetRequest } from '../../../src/datasets/request.ts'
import { anything, count, flag, list, PRINTABLE, prose, tier, word } from '../fields.ts'
import type { Operation } from '../operation.ts'
import { answer, given, referenceTo, request, tell } from '../registry.ts'

const typeName = () => z.enum(DATASET_TYPES)
const format = () => z.enum(FORMATS)
const formats = list(format(), FORMATS.length, 'The first is the default.')

const pascal = (name: string) =>
  name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())

for (const name of DATASET_TYPES) {
  const { params, card } = datasetTypeOf(name)
  request(`${pascal(name)}Params`, params, `${card.title}: what may be asked for.`)
}
const body = request('DatasetRequest', datasetRequest)

const summary = z.object({
  dataset_type: typeName(),
  title: prose('Its name for people.'),
  summary: prose('What it is.'),
  formats,
  algorithm: word('Names all that a seed stands for.'),
})
const catalogue = answer(
  'DatasetTypes',
  z.object({ dataset_types: list(summary, 100, 'All that are sold.') }),
)

const excess = z.object({
  path: word('Of the parameter.'),
  message: prose('What the plans allow.'),
})
const estimate = answer(
  'Estimate',
  z.object({
    dataset_type: typeName(),
    params: anything('As they were understood, with defaults.'),
    format: format(),
    cost: z.object({
      api_calls: count('One.'),
      reactions_at_most: count('What is reserved; what was not fired is given back.'),
    }),
    plans: list(
      z.object({
        tier: tier('The plan.'),
        allowed: flag('Whether it holds this request.'),
        reactions_quota: count('Reactions a month.'),
        errors: list(excess, 100, 'Parameters that it does not allow.'),
      }),
      10,
      'The smallest first.',
    ),
  }),
)
const description = answer(
  'DatasetType',
  z.object({
    ...summary.shape,
    method: list(prose('A step.'), 100, 'How it is made.'),
    limitations: list(prose('One.'), 100, 'What it must not be taken for.'),
    citations: list(prose('One.'), 100, 'What it rests on.'),
    limits: anything('By plan and parameter: least and most.'),
    params_schema: anything('JSON Schema 2020-12 of params.'),
    networks: z.optional(anything('The reaction networks that it is made of, with their rates.')),
    record_schema: anything('JSON Schema 2020-12 of a record. x-unit has units.'),
  }),
)

export const EXAMPLE = {
  dataset_type: 'reaction_trajectories',
  params: { runs: 2, max_reactions: 50, scenario: 'miller_urey', seed: 42 },
  format: 'json',
} as const

interface Property {
  type: string
  [word: string]: unknown
}
interface RecordSchema {
  properties: Record<string, Property>
  [word: string]: unknown
}

/** The record of GET /datasets/{type}, with the bounds that hold for every one. */
function recordOf(name: (typeof DATASET_TYPES)[number]): object {
  const { $schema: _, ...schema } = describeType(name).record_schema
  const { oneOf, ...only } = schema as RecordSchema & { oneOf?: RecordSchema[] }
  return oneOf ? { oneOf: oneOf.map(bounded) } : bounded(only as RecordSchema)
}

function bounded({ properties, ...schema }: RecordSchema): object {
  const entries = Object.entries(properties).map(([name, property]) => [
    name,
    { ...property, ...BOUNDS[property.type] },
  ])
  return { ...schema, properties: Object.fromEntries(entries) }
}

const TEXT = { pattern: PRINTABLE, maxLength: 5_000 }
const BOUNDS: Readonly<Record<string, object>> = {
  integer: { format: 'int64', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  string: TEXT,
  array: { items: { type: 'string', ...TEXT }, maxItems: 1_000_000 },
}

const records = DATASET_TYPES.map((name) => given(`${pascal(name)}Record`, recordOf(name)))
const end = z.object({
  rows: count('Rows, or nodes and edges.'),
  reactions: count('What it cost.'),
  seed: count('Asked for again, it gives the same bytes.'),
  algorithm: word('Names all that a seed stands for.'),
  sha256: tell(z.string().check(z.regex(/^[0-9a-f]{64}$/), z.maxLength(64)), {
    description: 'Of all bytes before the last line.',
  }),
  sample: z.optional(z.literal(true)),
})
const lastLine = answer(
  'DatasetEnd',
  z.object({ end: z.literal(true), ...end.shape }),
  'The last line of NDJSON: without it the data set was cut off.',
)
const items = (about: string) => z.optional(list(anything(about), 10_000_000, about))

/** As JSON. What rows are called is the type's own matter. */
const dataset = answer(
  'Dataset',
  z.looseObject({
    dataset_type: typeName(),
    params: anything('All that its bytes depend on, the seed too.'),
    sample: z.optional(tell(z.literal(true), { description: 'What a test key is given.' })),
    rows: z.optional(
      tell(z.array(z.union(records.map(({ schema }) => schema))).check(z.maxLength(10_000_000)), {
        description: 'Of a table.',
      }),
    ),
    nodes: items('Of a graph: molecules and reactions.'),
    edges: items('Of a graph.'),
    irreducible_rafs: items('Of a graph.'),
    cycles: items('Of a graph.'),
    summary: z.optional(anything('Of a graph.')),
    end: tell(end, { description: 'Written last: without it the data set was cut off.' }),
  }),
  'What its rows or nodes and edges are: GET /datasets/{type}.',
)

const text = (about: string) => ({
  schema: { type: 'string', format: 'binary', maxLength: 2 ** 31 - 1, description: about },
})
const mediaType = (each: (typeof FORMATS)[number]) => CONTENT_TYPES[each].split(';', 1)[0] ?? ''

export const DATASETS: readonly Operation[] = [
  {
    method: 'post',
    path: '/datasets/generate',
    id: 'generateDataset',
    tag: 'Data sets',
    summary: 'Generate a data set',
    description:
      'Streams it while it is computed. One call, and the reactions that were fired, are taken from the quota. A test key is given a sample.',
    door: 'paid',
    parameters: ['IdempotencyKey', 'TestOutcome', 'AcceptFormat'],
    body: { schema: body, example: EXAMPLE },
    answer: {
      status: 200,
      description: 'The data set, in the format asked for.',
      content: {
        [mediaType('json')]: { schema: { $ref: referenceTo(dataset.id) } },
        [mediaType('ndjson')]: {
          ...text('A record a line; the last line has end: true.'),
          // OpenAPI 3.2 calls it itemSchema.
          'x-item-schema': {
            anyOf: [...records, lastLine].map(({ id }) => ({ $ref: referenceTo(id) })),
          },
        },
        [mediaType('csv')]: text('RFC 4180, with a header; the last record begins with "# end".'),
        [mediaType('graphml')]: text('GraphML; the last line is a comment with the end.'),
      },
      headers: [
        'RateLimit',
        'RateLimit-Policy',
        'Server-Timing',
        'X-Dataset-Seed',
        'X-Dataset-Algorithm',
        'Content-Disposition',
        'Tollgate-Mode',
        'Vary',
      ],
    },
    problems: [],
  },
  {
    method: 'post',
    path: '/datasets/estimate',
    id: 'estimateDataset',
    tag: 'Data sets',
    summary: 'See what a data set would cost',
    description: 'The most that it may cost, and which plans hold it. Free.',
    door: 'public',
    parameters: ['AcceptFormat'],
    body: { schema: body, example: EXAMPLE },
    answer: { status: 200, description: 'The estimate.', schema: estimate },
    problems: [],
  },
  {
    method: 'get',
    path: '/datasets',
    id: 'listDatasetTypes',
    tag: 'Data sets',
    summary: 'List the types of data sets',
    description: 'All that are sold.',
    door: 'public',
    answer: { status: 200, description: 'The types.', schema: catalogue },
    problems: [],
  },
  ...DATASET_TYPES.map((name): Operation => {
    const { card } = datasetTypeOf(name)
    return {
      method: 'get',
      path: `/datasets/${name}`,
      id: `describe${pascal(name)}`,
      tag: 'Data sets',
      summary: card.title,
      description: `${card.summary} How it is made, its limits, its parameters and its records.`,
      door: 'public',
      answer: { status: 200, description: 'Its data card and schemas.', schema: description },
      problems: [],
    }
  }),
]
