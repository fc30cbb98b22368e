// Before each file of the Worker's tests: everything that it writes is kept, and searched for secrets at the end.
import { afterAll, beforeAll } from 'vitest'
import { expectNoLeaks, keepLine, startKeeping } from './leaks.ts'

const METHODS = ['log', 'info', 'warn', 'error', 'debug'] as const

beforeAll(() => {
  startKeeping()
  const originals = METHODS.map((method) => [method, console[method]] as const)
  for (const [method, original] of originals) {
    console[method] = (...told: unknown[]) => {
      keepLine(told.map(String).join(' '))
      original.apply(console, told)
    }
  }
  return () => {
    for (const [method, original] of originals) console[method] = original
  }
})

afterAll(expectNoLeaks)
