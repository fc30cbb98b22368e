// `npm run check:dependencies`: what is installed is what was chosen, from where it was chosen, runs at installation
// only what was allowed by name, and has no known holes that matter.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** package.json, as far as it is read. */
export interface Manifest {
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  allowScripts?: Record<string, boolean>
}

/** A package of package-lock.json, version 3. */
export interface LockedPackage {
  version?: string
  /** Where npm took it from; absent when npm was told to leave the registry's address out. */
  resolved?: string
  integrity?: string
  link?: boolean
  /** In the development's tree alone. */
  dev?: boolean
  hasInstallScript?: boolean
  /** Its own name, where it is installed under another. */
  name?: string
}

export interface Lock {
  lockfileVersion: number
  packages: Record<string, LockedPackage & Manifest>
}

/** What `npm audit --json` says of one package. */
export interface Vulnerability {
  name: string
  severity: string
  /** Its places in package-lock.json. */
  nodes: string[]
}

const REGISTRY = 'https://registry.npmjs.org/'
const KINDS = ['dependencies', 'devDependencies', 'optionalDependencies'] as const
const EXACT = /^\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?$/
/** Folders with a package.json and a lock of their own. What the bench compares with is deployed nowhere. */
const PROJECTS = [
  { folder: '.', isDeployed: true },
  { folder: 'test/bench/peers', isDeployed: false },
]

/** Production code meets strangers; what builds and tests it does not. */
const FATAL = {
  production: new Set(['high', 'critical']),
  development: new Set(['critical']),
}
/** A registry that does not answer holds nobody up; AUDIT_TIMEOUT_MS is more patient. */
const AUDIT_TIMEOUT_MS = Number(process.env.AUDIT_TIMEOUT_MS) || 8_000

/** Each dependency has one exact version, and the lock has that one. */
export function pinFaults(manifest: Manifest, lock: Lock): string[] {
  const root = lock.packages[''] ?? {}
  return KINDS.flatMap((kind) => {
    const wanted = manifest[kind] ?? {}
    const locked = root[kind] ?? {}
    const gone = Object.keys(locked).filter((name) => !(name in wanted))
    return [
      ...gone.map((name) => `${name} is in package-lock.json and no longer in package.json`),
      ...Object.entries(wanted).flatMap(([name, version]) => {
        if (!EXACT.test(version)) return [`${name} is not pinned: "${version}"`]
        const installed = lock.packages[`node_modules/${name}`]?.version
        if (locked[name] === version && installed === version) return []
        return [`${name} is ${version} in package.json and ${installed} in package-lock.json`]
      }),
    ]
  })
}

/** Each package is npm's own, and cannot change without its hash. */
export function sourceFaults(lock: Lock): string[] {
  if (lock.lockfileVersion !== 3) return [`package-lock.json has version ${lock.lockfileVersion}`]
  return packagesOf(lock).flatMap(([path, { resolved, integrity, link }]) => {
    if (link) return [`${path} is a link to another folder`]
    const faults: string[] = []
    if (resolved !== undefined && !resolved.startsWith(REGISTRY)) {
      faults.push(`${path} comes from ${resolved}`)
    }
    if (!integrity?.startsWith('sha512-')) faults.push(`${path} has no SHA-512 hash`)
    return faults
  })
}

/**
 * Each package that would run a script when it is installed has been decided on, by name, and nobody else stands in
 * the list. npm itself obeys the list: `false` is never run, and with `strict-allow-scripts` (.npmrc) an
 * installation fails for what is not listed.
 */
export function scriptFaults({ allowScripts = {} }: Manifest, lock: Lock): string[] {
  const withScripts = new Set(
    packagesOf(lock)
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path, { name }]) => name ?? nameAt(path)),
  )
  const undecided = [...withScripts].filter((name) => !(name in allowScripts))
  const idle = Object.keys(allowScripts).filter((name) => !withScripts.has(name))
  return [
    ...undecided.map((name) => `${name} runs a script when it is installed: not in allowScripts`),
    ...idle.map((name) => `${name} is in allowScripts and has no script`),
  ]
}

/** Those that fail the check, and those that are only told. */
export function judge(
  vulnerabilities: readonly Vulnerability[],
  lock: Lock,
  isDeployed = true,
): { fatal: string[]; told: string[] } {
  const fatal: string[] = []
  const told: string[] = []
  for (const { name, severity, nodes } of vulnerabilities) {
    const isDev = !isDeployed || nodes.every((path) => lock.packages[path]?.dev)
    const tree = isDev ? 'development' : 'production'
    const list = FATAL[tree].has(severity) ? fatal : told
    list.push(`${name}: ${severity}, in ${tree} (npm audit tells more)`)
  }
  return { fatal, told }
}

function packagesOf(lock: Lock): [string, LockedPackage][] {
  return Object.entries(lock.packages).filter(([path]) => path !== '')
}

function nameAt(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

type Audit = { vulnerabilities: Vulnerability[] } | { failure: string }

/** Asks the registry. It may have no such service, or not answer: then it is told why. */
function audit(folder: string): Audit {
  const options = ['--fetch-retries=0', `--fetch-timeout=${AUDIT_TIMEOUT_MS}`]
  const { stdout, error } = spawnSync('npm', ['audit', '--json', ...options], {
    cwd: folder,
    encoding: 'utf8',
    timeout: AUDIT_TIMEOUT_MS + 1_000,
    killSignal: 'SIGKILL',
  })
  if (error) return { failure: error.message }
  try {
    const answer = JSON.parse(stdout) as {
      vulnerabilities?: Record<string, Vulnerability>
      message?: string
    }
    if (answer.vulnerabilities) return { vulnerabilities: Object.values(answer.vulnerabilities) }
    return { failure: answer.message ?? 'npm audit gave no report' }
  } catch {
    return { failure: 'npm audit gave no JSON' }
  }
}

function checkAudit({ folder, isDeployed }: Project, lock: Lock): string[] {
  const answer = audit(folder)
  if ('failure' in answer) {
    const what = `NOT AUDITED: ${answer.failure}`
    if (process.env.AUDIT_REQUIRED) return [what]
    console.warn(
      `\n*** ${what}\n*** Known holes in dependencies were not looked for. AUDIT_REQUIRED=1 makes this an error.\n`,
    )
    return []
  }
  const { fatal, told } = judge(answer.vulnerabilities, lock, isDeployed)
  for (const line of told) console.warn(`audit: ${line}`)
  return fatal
}

type Project = (typeof PROJECTS)[number]

function checkProject(project: Project): string[] {
  const { folder } = project
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as unknown
  const manifest = read('package.json') as Manifest
  const lock = read('package-lock.json') as Lock
  const faults = [
    ...pinFaults(manifest, lock),
    ...sourceFaults(lock),
    ...scriptFaults(manifest, lock),
    ...checkAudit(project, lock),
  ]
  return faults.map((fault) => `${folder}: ${fault}`)
}

if (import.meta.main) {
  const faults = PROJECTS.flatMap(checkProject)
  for (const fault of faults) console.error(fault)
  if (faults.length > 0) process.exitCode = 1
}
