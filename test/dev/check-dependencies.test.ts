// What the check of the dependencies refuses, of a lock and of a registry's answer.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  judge,
  type Lock,
  type LockedPackage,
  type Manifest,
  pinFaults,
  scriptFaults,
  sourceFaults,
} from '../../dev/check-dependencies.ts'

const root = join(import.meta.dirname, '../..')
const read = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'))
const integrity = 'sha512-AAAA'

function lockOf(packages: Record<string, LockedPackage>, rootEntry: Manifest = {}): Lock {
  return { lockfileVersion: 3, packages: { '': rootEntry, ...packages } }
}

test('this project has no fault', () => {
  const [manifest, lock] = [read('package.json'), read('package-lock.json')]
  expect([pinFaults(manifest, lock), sourceFaults(lock), scriptFaults(manifest, lock)]).toEqual([
    [],
    [],
    [],
  ])
})

describe('a dependency is one exact version', () => {
  const faults = (version: string, locked = version, installed = version) => {
    const manifest = { devDependencies: { left: version } }
    const entry = { devDependencies: { left: locked } }
    return pinFaults(manifest, lockOf({ 'node_modules/left': { version: installed } }, entry))
  }

  test.each(['1.2.3', '0.45.4', '5.0.0-rc.1', '5.20261117.1'])('%s is', (version) => {
    expect(faults(version)).toEqual([])
  })
  test.each([
    '^1.2.3',
    '~1.2.3',
    '1.2',
    '1.x',
    '*',
    '',
    'latest',
    '>=1.2.3',
    '1.2.3 || 2.0.0',
    'npm:right@1.2.3',
    'github:left/left',
    'https://evil.example/left.tgz',
    'file:../left',
    'workspace:*',
  ])('%j is not', (version) => {
    expect(faults(version)).toEqual([`left is not pinned: "${version}"`])
  })
  test('the lock wants and has another one', () => {
    expect(faults('1.2.3', '1.2.4')).toHaveLength(1)
    expect(faults('1.2.3', '1.2.3', '1.2.4')).toHaveLength(1)
  })
  test('the lock has one more', () => {
    expect(pinFaults({}, lockOf({}, { dependencies: { left: '1.2.3' } }))).toHaveLength(1)
  })
})

describe('a package is npm’s own', () => {
  const faults = (entry: LockedPackage) => sourceFaults(lockOf({ 'node_modules/left': entry }))

  test.each<[string, LockedPackage]>([
    ['with its address', { resolved: 'https://registry.npmjs.org/left/-/left-1.2.3.tgz' }],
    ['without it', {}],
  ])('%s', (_, entry) => {
    expect(faults({ integrity, ...entry })).toEqual([])
  })
  test.each<[string, LockedPackage]>([
    ['no hash', { integrity: '' }],
    ['a weak hash', { integrity: 'sha1-AAAA' }],
    ['another host', { resolved: 'https://registry.evil.example/left/-/left-1.2.3.tgz' }],
    ['a host that begins alike', { resolved: 'https://registry.npmjs.org.evil.example/left.tgz' }],
    ['no TLS', { resolved: 'http://registry.npmjs.org/left/-/left-1.2.3.tgz' }],
    ['git', { resolved: 'git+ssh://git@github.com/left/left.git#0123' }],
    ['a folder', { link: true, resolved: '../left' }],
  ])('not with %s', (_, entry) => {
    expect(faults({ integrity, ...entry })).toHaveLength(1)
  })
  test('an old lock, which has no hashes for some, is refused', () => {
    expect(sourceFaults({ lockfileVersion: 1, packages: {} })).toHaveLength(1)
  })
})

describe('an install script', () => {
  const script = { integrity, hasInstallScript: true }
  const lock = lockOf({
    'node_modules/left': script,
    'node_modules/quiet': { integrity },
    'node_modules/@scope/right': script,
    'node_modules/quiet/node_modules/deep': script,
    'node_modules/alias': { ...script, name: 'real' },
  })
  const allowScripts = { left: true, '@scope/right': false, deep: true, real: true }

  test('is allowed or refused by name, wherever it stands', () => {
    expect(scriptFaults({ allowScripts }, lock)).toEqual([])
  })
  test.each(Object.keys(allowScripts))('of %s that is not listed is a fault', (name) => {
    const { [name as 'left']: _, ...others } = allowScripts
    expect(scriptFaults({ allowScripts: others }, lock)).toEqual([
      expect.stringContaining(`${name} runs a script`),
    ])
  })
  test.each(['quiet', 'gone', 'alias'])('%s is listed and has none', (name) => {
    expect(scriptFaults({ allowScripts: { ...allowScripts, [name]: true } }, lock)).toEqual([
      expect.stringContaining(name),
    ])
  })
})

test('npm is told to refuse scripts that are not listed', () => {
  expect(readFileSync(join(root, '.npmrc'), 'utf8')).toMatch(/^strict-allow-scripts=true$/m)
})

describe('a known hole', () => {
  const lock = lockOf({
    'node_modules/sold': { integrity },
    'node_modules/tool': { integrity, dev: true },
    'node_modules/tool/node_modules/both': { integrity, dev: true },
    'node_modules/both': { integrity },
  })

  test.each([
    ['critical', 'node_modules/sold', true, 'fatal'],
    ['high', 'node_modules/sold', true, 'fatal'],
    ['moderate', 'node_modules/sold', true, 'told'],
    ['high', 'node_modules/sold', false, 'told'],
    ['critical', 'node_modules/tool', true, 'fatal'],
    ['high', 'node_modules/tool', true, 'told'],
    // Nobody knows it: it counts as sold.
    ['high', 'node_modules/unheard-of', true, 'fatal'],
  ])('%s in %s (deployed: %j) is %s', (severity, node, isDeployed, verdict) => {
    const { fatal, told } = judge([{ name: 'x', severity, nodes: [node] }], lock, isDeployed)
    expect([fatal.length, told.length]).toEqual(verdict === 'fatal' ? [1, 0] : [0, 1])
  })

  test('in production and in a tool is in production', () => {
    const nodes = ['node_modules/tool/node_modules/both', 'node_modules/both']
    expect(judge([{ name: 'both', severity: 'high', nodes }], lock).fatal).toHaveLength(1)
  })
})

describe('the audit asks the registry', () => {
  /** `npm run check:dependencies` against a registry of the test's. */
  async function check(registry: RequestListener, env: Record<string, string> = {}) {
    const server = createServer(registry).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const child = spawn(process.execPath, ['dev/check-dependencies.ts'], {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        // A busy machine is no fault of the registry's.
        AUDIT_TIMEOUT_MS: '50000',
        npm_config_registry: `http://127.0.0.1:${port}/`,
        ...env,
      },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk
      })
    }
    const [code] = await once(child, 'close')
    return { code, output }
  }

  const advisories =
    (holes: Record<string, string>): RequestListener =>
    ({ method }, answer) => {
      if (method !== 'POST') return void answer.writeHead(404).end('{}')
      const all = Object.entries(holes).map(([name, severity], id) => [
        name,
        [{ id, title: 'a hole', url: 'https://example.com', severity, vulnerable_versions: '*' }],
      ])
      answer
        .setHeader('Content-Type', 'application/json')
        .end(JSON.stringify(Object.fromEntries(all)))
    }
  const none: RequestListener = (_, answer) => void answer.writeHead(405).end()

  test('a hole in what is sold fails it, one in a tool is told', async () => {
    const { code, output } = await check(advisories({ hono: 'high', vitest: 'moderate' }))
    expect(code).toBe(1)
    expect(output).toMatch(/^\.: hono: high, in production/m)
    expect(output).toMatch(/^audit: vitest: moderate, in development/m)
  })

  test('none passes, in silence', async () => {
    expect(await check(advisories({}))).toEqual({ code: 0, output: '' })
  })

  test('one that never answers holds nobody up', async () => {
    const { code, output } = await check(() => {}, { AUDIT_TIMEOUT_MS: '500' })
    expect([code, output]).toEqual([0, expect.stringContaining('*** NOT AUDITED')])
  })

  test('a registry without the service is told of, loudly, and is an error where that is asked for', async () => {
    const loud = await check(none)
    expect([loud.code, loud.output]).toEqual([0, expect.stringContaining('*** NOT AUDITED: 405')])
    const strict = await check(none, { AUDIT_REQUIRED: '1' })
    expect([strict.code, strict.output]).toEqual([1, expect.stringContaining('NOT AUDITED: 405')])
  })
})
