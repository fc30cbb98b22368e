// What SECURITY.md names is there: files of the code, tests, commands.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const read = (name: string) => readFileSync(join(root, name), 'utf8')
const text = read('SECURITY.md')
const named = (pattern: RegExp) => [...new Set(text.match(pattern) ?? [])]

test('each file and folder that it names exists', () => {
  const paths = named(/(?<=`)(src|test|dev|drizzle|\.ci)\/[\w./*-]+(?=`)/g)
  expect(paths.length).toBeGreaterThan(30)
  const missing = paths.filter((path) =>
    path.includes('*') ? globSync(path, { cwd: root }).length === 0 : !existsSync(join(root, path)),
  )
  expect(missing).toEqual([])
})

test('each attack of the suite is in it', () => {
  const attacks = globSync('test/{security,workerd}/**/*.test.ts', { cwd: root }).filter((path) =>
    path.includes('security'),
  )
  expect(attacks.length).toBeGreaterThan(8)
  expect(attacks.filter((path) => !text.includes(path))).toEqual([])
})

test('each risk of the API Top 10 (2023) has its row', () => {
  for (let risk = 1; risk <= 10; risk += 1)
    expect(text).toMatch(new RegExp(`^\\| API${risk}:2023 `, 'm'))
})

test('each command that it names is one of package.json', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const commands = named(/(?<=npm run )[\w:]+/g)
  expect(commands.length).toBeGreaterThan(0)
  expect(commands.filter((name) => !scripts[name])).toEqual([])
})

test('each page that it links to exists, and so does the section', () => {
  const links = named(/(?<=\]\()docs\/[^)]+/g)
  for (const page of ['sign-up-and-login', 'secrets', 'api-keys'])
    expect(
      links.some((link) => link.startsWith(`docs/${page}.md`)),
      page,
    ).toBe(true)
  for (const link of links) {
    const [file = '', section] = link.split('#')
    expect(existsSync(join(root, file)), link).toBe(true)
    const sections = [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    )
    if (section) expect(sections, link).toContain(section)
  }
})

test('the pattern for scanners is that of the documentation', () => {
  const pattern = '\\btg_(live|test)_[0-9A-Za-z]{62}\\b'
  expect(text).toContain(pattern)
  expect(read('docs/api-keys.md')).toContain(pattern)
})
