// Where a call may go: below the configured URL, and nowhere else.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { originTarget } from '../../src/gateway/target.ts'

const base = new URL('https://api.example.com/base/')
const at = (path: string, from = base) =>
  originTarget(from, new URL(`https://tollgate.test${path}`))?.href

describe('goes below the base', () => {
  test.each([
    ['/', 'https://api.example.com/base/'],
    ['/a/b?c=d&c=e', 'https://api.example.com/base/a/b?c=d&c=e'],
    ['/a/?', 'https://api.example.com/base/a/'],
    ['/a#fragment', 'https://api.example.com/base/a'],
    ['/a%20b/%C3%A9;p=1/x%2Fy', 'https://api.example.com/base/a%20b/%C3%A9;p=1/x%2Fy'],
    [
      '/q?u=https://evil.example/../x&v=%2e%2e%2f',
      'https://api.example.com/base/q?u=https://evil.example/../x&v=%2e%2e%2f',
    ],
    ['/v1..2/...', 'https://api.example.com/base/v1..2/...'],
    ['/100%', 'https://api.example.com/base/100%'],
    ['/%zz', 'https://api.example.com/base/%zz'],
  ])('%s', (path, href) => {
    expect(at(path)).toBe(href)
  })

  test('also where the base has no path', () => {
    expect(at('/a/b', new URL('http://127.0.0.1:9000/'))).toBe('http://127.0.0.1:9000/a/b')
  })
})

describe('stays with the host', () => {
  test.each([
    ['//evil.example/x', 'https://api.example.com/base//evil.example/x'],
    ['///evil.example', 'https://api.example.com/base///evil.example'],
    ['/\\evil.example', 'https://api.example.com/base//evil.example'],
    ['/\\\\evil.example', 'https://api.example.com/base///evil.example'],
    ['/https://evil.example/', 'https://api.example.com/base/https://evil.example/'],
    ['/http:evil.example', 'https://api.example.com/base/http:evil.example'],
    ['/@evil.example', 'https://api.example.com/base/@evil.example'],
    ['/user:pw@evil.example/', 'https://api.example.com/base/user:pw@evil.example/'],
    ['/:8443/', 'https://api.example.com/base/:8443/'],
    ['/.evil.example', 'https://api.example.com/base/.evil.example'],
    ['/a/../../../b', 'https://api.example.com/base/b'],
    ['/%2e%2e/%2E./b', 'https://api.example.com/base/b'],
    ['/\t/../b', 'https://api.example.com/base/b'],
  ])('%s', (path, href) => {
    expect(at(path)).toBe(href)
  })
})

test.each([
  '/..%2fadmin',
  '/..%2Fadmin',
  '/%2e%2e%2fadmin',
  '/a%2f..%2f..%2fadmin',
  '/..%5cadmin',
  '/%2e%2e%5C..%5cadmin',
  '/..%252fadmin',
  '/%252e%252e/admin',
  '/%25252e%25252e%25252fadmin',
  '/..;/admin',
  '/..;x=1/admin',
  '/%2e%2e;/admin',
  '/a/..%00/admin',
  '/a/..%2f',
])('%s leads nowhere: an origin might read it as the folder above', (path) => {
  expect(at(path)).toBeUndefined()
})

test('no path whatever leads out', () => {
  const parts = [
    '/',
    '\\',
    '.',
    '..',
    '%2e',
    '%2F',
    '%5c',
    '%25',
    '%00',
    '%09',
    ';',
    ':',
    '@',
    '?',
    '#',
    'a',
    'evil.example',
    '\t',
    ' ',
    'é',
  ]
  const paths = fc.array(fc.oneof(fc.constantFrom(...parts), fc.string()), { maxLength: 12 })
  fc.assert(
    fc.property(paths, (path) => {
      const target = originTarget(base, new URL(`https://tollgate.test/${path.join('')}`))
      if (!target) return
      expect(target.origin).toBe('https://api.example.com')
      expect([target.username, target.password, target.hash]).toEqual(['', '', ''])
      expect(target.pathname.startsWith('/base/')).toBe(true)
      let decoded = target.pathname
      for (let rounds = 0; rounds < 30; rounds += 1) decoded = unescape(decoded)
      expect(decoded.split(/[/\\]/)).not.toContain('..')
    }),
    { numRuns: 2000 },
  )
})
