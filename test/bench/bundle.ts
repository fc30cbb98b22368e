// Bundles, made by wrangler as a deployment makes them: minified, with the runtime settings of wrangler.toml.
import { readFileSync } from 'node:fs'
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

/** What the platform counts against a Worker's size limit. */
export function gzipBytes(script: string): number {
  return gzipSync(readFileSync(script)).byteLength
}
