// The service itself: whether it runs, and what it takes.
import * as z from 'zod/mini'
import { anything } from '../fields.ts'
import type { Operation } from '../operation.ts'
import { answer, tell } from '../registry.ts'

const health = answer(
  'Health',
  z.object({
    status: z.literal('ok'),
    version: tell(z.string().check(z.regex(/^\d+\.\d+\.\d+$/), z.maxLength(32)), {
      description: 'Of this deployment.',
    }),
  }),
)

export const SERVICE: readonly Operation[] = [
  {
    method: 'get',
    path: '/health',
    id: 'getHealth',
    tag: 'Service',
    summary: 'Does it run?',
    description: 'Asks no dependency: a monitor costs nothing and is told one thing.',
    door: 'public',
    answer: { status: 200, description: 'It runs.', schema: health },
    problems: [],
  },
  {
    method: 'get',
    path: '/openapi.json',
    id: 'getOpenapi',
    tag: 'Service',
    summary: 'This document',
    description: 'OpenAPI 3.1.',
    door: 'public',
    answer: {
      status: 200,
      description: 'The document.',
      schema: answer(
        'OpenapiDocument',
        z.looseObject({
          openapi: z.literal('3.1.1'),
          info: anything('What it describes.'),
          paths: anything('The operations by path.'),
        }),
      ),
    },
    problems: [],
  },
]
