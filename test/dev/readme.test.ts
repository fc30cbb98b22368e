// What the README tells to run is what there is.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LISTEN } from '../../dev/stripe-setup/options.ts'

const root = join(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

test('names scripts that exist, and each that a person would run', () => {
  const named = new Set([...readme.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name))
  expect([...named].filter((name) => !scripts[name ?? ''])).toEqual([])
  const meant = Object.keys(scripts).filter((name) => name !== 'test' && !name.startsWith('check:'))
  expect(meant.filter((name) => !named.has(name))).toEqual([])
})

test('lets Stripe’s command line listen to the events that are used, and no others', () => {
  expect(readme.replaceAll(/ \\\n\s+/g, ' ')).toContain(LISTEN)
})
