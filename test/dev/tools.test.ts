// Placeholder of the very first commit's runner check; replaced by the stack's protocol tests.
import { expect, test } from 'vitest'

test('node is new enough for the tools', () => {
  expect(Number(process.versions.node.split('.')[0])).toBeGreaterThanOrEqual(22)
})
