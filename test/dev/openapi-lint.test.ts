// The lint of the OpenAPI document: what it finds is an error, unless it is meant; and nothing is meant in vain.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DOCUMENT_FILE } from '../../dev/openapi/document.ts'
import { EXCEPTIONS, faultsOf, findingsIn } from '../../dev/openapi/lint.ts'

const text = readFileSync(DOCUMENT_FILE, 'utf8')

test('a document that breaks a rule of either set is told of, and nothing else', async () => {
  const broken = JSON.parse(text)
  delete broken.paths['/keys'].get.operationId
  delete broken.paths['/auth/login'].post.responses['429'].headers['Retry-After']
  const faults = faultsOf(await findingsIn(JSON.stringify(broken)))
  expect(faults.map((fault) => /\(([\w:-]+)\)$/.exec(fault)?.[1]).sort()).toEqual([
    'operation-operationId',
    'owasp:api4:2023-rate-limit-retry-after',
  ])
})

test('an exception that nothing needs is told of', () => {
  expect(faultsOf([])).toHaveLength(EXCEPTIONS.length)
})
