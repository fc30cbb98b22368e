// `npm run bench`: the performance table. Everything in one run, on one stack, in workerd, against the bare Hono route.
//
//   --quick       within a minute on an idle machine, the first run's installing of the peers aside; a first look
//   --json FILE   the figures as one object
//   --only PART   only these rows or this experiment (see PARTS), with the bare route; may be given more than once
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { aborted, endRequested } from '../../dev/process.ts'
import { workerVars } from '../../dev/worker-vars.ts'
import { POOL_LEASE_MS } from '../../src/data/pool.ts'
import { openAccounts } from './accounts.ts'
import { appRows } from './app-rows.ts'
import { bundle, bundleOfLibraries, gzipBytes } from './bundle.ts'
import { cancellation } from './cancellation.ts'
import { datasets } from './datasets.ts'
import { hangingRedis } from './hanging-redis.ts'
import { measure } from './measure.ts'
import { type Options, PARTS, type Part, readOptions } from './options.ts'
import { overshoot, overshootWithKill } from './overshoot.ts'
import { paidRows } from './paid-rows.ts'
import { bundlePeer, installPeers, peerRows } from './peer-rows.ts'
import { say, secondsSoFar } from './progress.ts'
import { report } from './report.ts'
import type { Results } from './results.ts'
import { type Bundles, bareSubject, type Setting, withWorkerd } from './setting.ts'
import { startBenchStack } from './stack.ts'
import { startUp } from './start-up.ts'

const ENTRIES: Readonly<Record<keyof Bundles, string>> = {
  app: 'src/index.ts',
  bare: 'test/bench/workers/bare.ts',
  floor: 'test/bench/workers/floor.ts',
  libraries: 'test/bench/workers/libraries.ts',
  paid: 'test/bench/workers/paid.ts',
  recipe: 'test/bench/peers/recipe.ts',
  betterAuth: 'test/bench/peers/better-auth.ts',
}

/** What no source of the app is in changes with the packages only. */
const HOW_OTHERWISE: Partial<Record<keyof Bundles, typeof bundle>> = {
  bare: bundleOfLibraries,
  libraries: bundleOfLibraries,
  recipe: bundlePeer,
  betterAuth: bundlePeer,
}

/** What each part calls, beside the bare route. */
const NEEDS: Readonly<Record<Part, readonly (keyof Bundles)[]>> = {
  paid: ['floor', 'paid'],
  app: ['app'],
  peers: ['recipe', 'betterAuth'],
  'start-up': ['app', 'libraries'],
  overshoot: ['paid'],
  redis: ['paid'],
  cancellation: ['paid'],
  datasets: ['app'],
}

async function bench({ effort, quick, parts }: Options, folder: string): Promise<Results> {
  say('Starting the stack and bundling')
  const [stack, bundles] = await Promise.all([startBenchStack(), makeBundles(folder, parts)])
  try {
    const vars = workerVars(stack.info)
    return await withWorkerd(bundles.bare, {}, async (worker) => {
      const bare = bareSubject(worker)
      const accounts = openAccounts(vars)
      const setting: Setting = { stack, bundles, accounts, effort, vars, bare }
      return {
        engines: stack.engines,
        rows: await rows(setting, parts),
        ...(await experiments(setting, parts, quick)),
      }
    })
  } finally {
    await stack.close()
  }
}

async function rows(setting: Setting, parts: Options['parts']) {
  const { stack, effort, bare } = setting
  const rows = await measure(bare, { stack, effort, bare })
  if (parts.has('paid')) rows.push(...(await paidRows(setting)))
  if (parts.has('app')) rows.push(...(await appRows(setting)))
  if (parts.has('peers')) rows.push(...(await peerRows(setting)))
  return rows
}

async function experiments(
  setting: Setting,
  parts: Options['parts'],
  quick: boolean,
): Promise<Omit<Results, 'rows' | 'engines'>> {
  async function part<T>(name: Part, what: string, work: () => Promise<T>): Promise<T | undefined> {
    if (!parts.has(name)) return undefined
    say(what)
    return work()
  }
  return {
    bundle: await part('start-up', 'Start-up', async () => ({
      gzipBytes: gzipBytes(setting.bundles.app),
      ...(await startUp(setting)),
    })),
    overshoot: await part('overshoot', 'Overshoot', async () => ({
      ...(await overshoot(setting)),
      killed: await overshootWithKill(setting, POOL_LEASE_MS),
    })),
    hangingRedis: await part('redis', 'A hanging Redis', () => hangingRedis(setting)),
    cancellation: await part('cancellation', 'Cancellation', () =>
      cancellation(setting, quick ? 1 : 5),
    ),
    datasets: await part('datasets', 'Data sets', () => datasets(setting)),
  }
}

/** Two at a time: each keeps a core busy, and the stack starts beside them. */
async function makeBundles(folder: string, parts: Options['parts']): Promise<Bundles> {
  const needed = new Set<string>(['bare', ...[...parts].flatMap((part) => NEEDS[part])])
  const waiting = Object.entries(ENTRIES).filter(([name]) => needed.has(name))
  const made: [string, string][] = []
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [name, entry] = next as [keyof Bundles, string]
      made.push([name, await (HOW_OTHERWISE[name] ?? bundle)(entry, folder)])
    }
  }
  await Promise.all([work(), work()])
  return Object.fromEntries(made) as unknown as Bundles
}

async function main(): Promise<void> {
  const signal = endRequested()
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-'))
  try {
    const options = readOptions(process.argv.slice(2))
    if (options.parts.has('peers') && (await installPeers())) say('The peers have been installed')
    const results = await Promise.race([bench(options, folder), aborted(signal)])
    if (!results) return signal.throwIfAborted()
    const seconds = secondsSoFar()
    const isPart = options.parts.size < PARTS.length
    console.log(report(results, { seconds, quick: options.quick, isPart }))
    if (options.json) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  // What an interrupted run was waiting for is not worth its time: the children end with the process.
  process.exit()
}

await main()
