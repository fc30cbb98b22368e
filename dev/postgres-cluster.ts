// A new cluster of the embedded Postgres: made once, and copied from then on. Its initdb, in WebAssembly, takes seconds.
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'

const MODULES = fileURLToPath(new URL('../node_modules/', import.meta.url))
/** Where tools keep what they can make anew; `npm ci` empties it. */
const CACHE = join(MODULES, '.cache/tollgate-postgres')

/** The files of an empty cluster, as a tar archive for `loadDataDir`. @param cache where it is kept */
export async function emptyCluster(cache: string = CACHE): Promise<Blob> {
  const manifest = readFileSync(join(MODULES, '@electric-sql/pglite/package.json'), 'utf8')
  const { version } = JSON.parse(manifest)
  const file = join(cache, `${version}.tar`)
  try {
    return new Blob([readFileSync(file)])
  } catch {
    const cluster = await made()
    await keep(file, cluster)
    return cluster
  }
}

async function made(): Promise<Blob> {
  const db = await PGlite.create()
  try {
    // So that whoever starts on the copy has nothing to recover.
    await db.exec('CHECKPOINT')
    return await db.dumpDataDir('none')
  } finally {
    await db.close()
  }
}

/** Put in place by renaming: another process reads all of it or makes its own. */
async function keep(file: string, cluster: Blob): Promise<void> {
  const folder = dirname(file)
  let part: string | undefined
  try {
    mkdirSync(folder, { recursive: true })
    part = mkdtempSync(join(folder, 'part-'))
    writeFileSync(join(part, 'tar'), await cluster.bytes())
    renameSync(join(part, 'tar'), file)
  } catch {
    // A folder that may not be written, or a full disk: the next one is made anew, too.
  } finally {
    if (part) rmSync(part, { recursive: true, force: true })
  }
}
