// The OpenAPI document: what validates requests, what the catalogue of errors has, what the features' operations answer.
import packageJson from '../../package.json' with { type: 'json' }
import type { ProblemCode } from '../../src/problem.ts'
import {
  componentName,
  headerComponents,
  headersOfProblem,
  PARAMETERS,
  SECURITY,
  SECURITY_SCHEMES,
} from './headers.ts'
import { ALWAYS, BODY_PROBLEMS, DOOR_PROBLEMS, type Operation } from './operation.ts'
import { ACCOUNT } from './operations/account.ts'
import { AUTH } from './operations/auth.ts'
import { BILLING } from './operations/billing.ts'
import { DATASETS } from './operations/datasets.ts'
import { KEYS } from './operations/keys.ts'
import { SERVICE } from './operations/service.ts'
import { CODES, problemSchema, problemText, statusOf } from './problems.ts'
import { componentSchemas, referenceTo } from './registry.ts'

/** Where it is written: an asset of the Worker. */
export const DOCUMENT_FILE = 'public/openapi.json'

export const OPERATIONS: readonly Operation[] = [
  ...AUTH,
  ...ACCOUNT,
  ...KEYS,
  ...BILLING,
  ...DATASETS,
  ...SERVICE,
]

const TAGS = {
  'Sign-up': 'Accounts begin here.',
  Account: 'What changes or shows the whole account takes a token.',
  'API keys': 'Keys of the account, live and for tests.',
  Billing: 'Plans, subscription, use, and the ways to Stripe.',
  'Data sets': 'What is sold.',
  Service: 'The service itself.',
}

export function openapiDocument() {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of OPERATIONS) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: operationOf(operation) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Tollgate',
      version: packageJson.version,
      summary: packageJson.description,
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
      contact: { name: 'The seller of this API' },
    },
    // Below whichever host the document came from.
    servers: [
      {
        url: '/api/v1',
        description: 'This deployment: production, staging or local',
        'x-internal': false,
      },
    ],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    security: SECURITY.paid,
    paths,
    components: {
      schemas: componentSchemas(),
      headers: headerComponents(),
      parameters: PARAMETERS,
      securitySchemes: SECURITY_SCHEMES,
    },
  }
}

const DESCRIPTION = `An API that is sold by subscription: register, buy a plan through Checkout, call with the key.

Errors are application/problem+json (RFC 9457); switch on code. HEAD answers as GET does. A path that is none of these is 404 not_found, or the seller's own API behind the same paywall; a method that a path does not take is 405 method_not_allowed with Allow.`

function operationOf(operation: Operation): object {
  const { id, tag, summary, description, door, body, parameters } = operation
  return {
    operationId: id,
    tags: [tag],
    summary,
    description,
    security: SECURITY[door],
    ...(parameters && {
      parameters: parameters.map((name) => ({ $ref: `#/components/parameters/${name}` })),
    }),
    ...(body && {
      requestBody: {
        required: !body.isOptional,
        content: {
          'application/json': {
            schema: { $ref: referenceTo(body.schema.id) },
            example: body.example,
          },
        },
      },
    }),
    responses: responsesOf(operation),
  }
}

/** Every code that the operation may answer with, in the catalogue's order. */
export function problemsOf({ door, body, problems, path }: Operation): readonly ProblemCode[] {
  const own = new Set<ProblemCode>([
    // It is answered before anything is configured.
    ...(path === '/health' ? [] : ALWAYS),
    ...DOOR_PROBLEMS[door],
    ...(body && door !== 'stripe' ? BODY_PROBLEMS : []),
    ...problems,
  ])
  return CODES.filter((code) => own.has(code))
}

function responsesOf(operation: Operation): Record<string, object> {
  const { status, description, schema, content, headers = [] } = operation.answer
  const json = schema && { 'application/json': { schema: { $ref: referenceTo(schema.id) } } }
  const responses: Record<string, object> = {
    [status]: {
      description,
      headers: headerReferences(headers),
      ...((content ?? json) && { content: content ?? json }),
    },
  }
  const byStatus = Map.groupBy(problemsOf(operation), statusOf)
  for (const [failure, codes] of byStatus) {
    responses[failure] = {
      description: problemText(codes),
      headers: headerReferences(headersOfProblem(failure, operation.door)),
      content: { 'application/problem+json': { schema: problemSchema(codes) } },
    }
  }
  return responses
}

function headerReferences(own: readonly string[]): Record<string, object> {
  const names = ['X-Request-Id', ...own, 'Access-Control-Allow-Origin']
  return Object.fromEntries(
    names.map((name) => [
      name.replace('?', ''),
      { $ref: `#/components/headers/${componentName(name)}` },
    ]),
  )
}

/** The file's text. */
export function documentText(): string {
  return `${JSON.stringify(openapiDocument(), null, 2)}\n`
}
