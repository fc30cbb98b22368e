// `npm run bench`: the performance table. Everything in one run, on one stack, in workerd, against the bare Hono route.
//
//   --quick       within a minute on an idle machine, the first run's installing of the peers aside; a first look
//   --json FILE   the figures as one object
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
import { hangingRedis } from './hanging-redis.ts'
import { measure } from './measure.ts'
import { type Options, readOptions } from './options.ts'
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

async function bench({ effort, quick }: Options, folder: string): Promise<Results> {
  say('Starting the stack and bundling')
  const [stack, bundles] = await Promise.all([startBenchStack(), makeBundles(folder)])
  try {
    const vars = workerVars(stack.info)
    return await withWorkerd(bundles.bare, {}, async (worker) => {
      const bare = bareSubject(worker)
      const accounts = openAccounts(vars)
      const setting: Setting = { stack, bundles, accounts, effort, vars, bare }
      return {
        engines: stack.engines,
        rows: await rows(setting),
        ...(await experiments(setting, quick)),
      }
    })
  } finally {
    await stack.close()
  }
}

async function rows(setting: Setting) {
  const { stack, effort, bare } = setting
  const first = await measure(bare, { stack, effort, bare })
  const paid = await paidRows(setting)
  const app = await appRows(setting)
  return [...first, ...paid, ...app, ...(await peerRows(setting))]
}

async function experiments(
  setting: Setting,
  quick: boolean,
): Promise<Omit<Results, 'rows' | 'engines'>> {
  say('Start-up')
  const bundle = { gzipBytes: gzipBytes(setting.bundles.app), ...(await startUp(setting)) }
  say('Overshoot')
  const shot = await overshoot(setting)
  const killed = await overshootWithKill(setting, POOL_LEASE_MS)
  say('A hanging Redis')
  const redis = await hangingRedis(setting)
  say('Cancellation')
  return {
    bundle,
    overshoot: { ...shot, killed },
    hangingRedis: redis,
    cancellation: await cancellation(setting, quick ? 1 : 5),
  }
}

/** Two at a time: each keeps a core busy, and the stack starts beside them. */
async function makeBundles(folder: string): Promise<Bundles> {
  const waiting = Object.entries(ENTRIES)
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
    if (await installPeers()) say('The peers have been installed')
    const results = await Promise.race([bench(options, folder), aborted(signal)])
    if (!results) return signal.throwIfAborted()
    const seconds = secondsSoFar()
    console.log(report(results, { seconds, quick: options.quick }))
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
