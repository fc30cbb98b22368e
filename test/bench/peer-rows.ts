// What a seller would pick instead: each peer answers the same call, with keys of its own, on the same stack.
import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { bundleOnce } from './bundle.ts'
import { run } from './children.ts'
import { callOnce } from './load.ts'
import { measure, type Row, type Subject } from './measure.ts'
import { benchCall, request } from './request.ts'
import { ROW } from './row-names.ts'
import { type Setting, withWorkerd } from './setting.ts'

const FOLDER = 'test/bench/peers'
const KEYS = 64

/** The entry of a peer as a bundle in `folder`; made once for these packages and sources. */
export function bundlePeer(entry: string, folder: string): Promise<string> {
  const inputs = [...globSync(`${FOLDER}/*.{ts,json}`).sort(), 'test/bench/workers/answer.ts']
  const cache = `${FOLDER}/node_modules/.bundles`
  return bundleOnce(entry, folder, { cache, inputs: [...inputs, 'wrangler.toml'] })
}

/** Installs the peers' packages beside them, unless that has been done for this lock file. Gives whether it did. */
export async function installPeers(): Promise<boolean> {
  const lock = createHash('sha256')
    .update(readFileSync(`${FOLDER}/package-lock.json`))
    .digest('hex')
  const mark = `${FOLDER}/node_modules/.installed`
  if (existsSync(mark) && readFileSync(mark, 'utf8') === lock) return false
  await run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: FOLDER })
  writeFileSync(mark, lock)
  return true
}

export async function peerRows({ bundles, vars, stack, effort, bare }: Setting): Promise<Row[]> {
  const row = (name: string, script: string) =>
    withWorkerd(script, vars, async ({ port, pid }) => {
      const setUp = await callOnce(port, request(`/setup/${KEYS}`, { method: 'POST' }), 200)
      const keys: string[] = JSON.parse(setUp.body)
      const calls = keys.map((key) => benchCall(key))
      let index = 0
      const next = () => calls[index++ % calls.length]
      const subject: Subject = { name, port, pid, status: 200, endless: true, next }
      return measure(subject, { stack, effort, bare })
    })
  return [
    ...(await row(ROW.recipe, bundles.recipe)),
    ...(await row(ROW.betterAuth, bundles.betterAuth)),
  ]
}
