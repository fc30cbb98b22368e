// Bundles, made by wrangler as a deployment makes them: minified, with the runtime settings of wrangler.toml.
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { run } from './children.ts'

const WRANGLER = fileURLToPath(
  new URL('../../node_modules/wrangler/bin/wrangler.js', import.meta.url),
)

/** Bundles the Worker whose entry is `entry` into a folder of `folder`; gives the script's path. */
export async function bundle(entry: string, folder: string): Promise<string> {
  const name = basename(entry, '.ts')
  const out = join(folder, name)
  const options = ['--dry-run', '--minify', '--outdir', out, '--env', '']
  await run(process.execPath, [WRANGLER, 'deploy', entry, ...options], {
    env: {
      ...process.env,
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_HIDE_BANNER: 'true',
      NO_COLOR: '1',
    },
  })
  return join(out, `${name}.js`)
}

/** The same for what seldom changes: kept in `cache` under the digest of `inputs`. */
export async function bundleOnce(
  entry: string,
  folder: string,
  { cache, inputs }: { cache: string; inputs: readonly string[] },
): Promise<string> {
  const digest = createHash('sha256').update(entry)
  for (const file of inputs) digest.update(readFileSync(file))
  const kept = join(cache, `${digest.digest('hex')}.js`)
  if (!existsSync(kept)) {
    mkdirSync(cache, { recursive: true })
    cpSync(await bundle(entry, folder), kept)
  }
  const script = join(folder, basename(entry, '.ts'), 'kept.js')
  cpSync(kept, script)
  return script
}

/** A script of the bench's own and of packages alone. */
export function bundleOfLibraries(entry: string, folder: string): Promise<string> {
  const inputs = [entry, 'test/bench/workers/answer.ts', 'package-lock.json', 'wrangler.toml']
  return bundleOnce(entry, folder, { cache: 'node_modules/.cache/tollgate-bench', inputs })
}

/** What the platform counts against a Worker's size limit. */
export function gzipBytes(script: string): number {
  return gzipSync(readFileSync(script)).byteLength
}
