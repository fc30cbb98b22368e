// The empty cluster that the embedded Postgres begins with: a copy, and no other than the engine would make.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { emptyCluster } from '../../dev/postgres-cluster.ts'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-cluster-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function open(options: { loadDataDir?: Blob } = {}): Promise<PGlite> {
  const db = await PGlite.create(options)
  onTestFinished(() => db.close())
  return db
}

const SHOWN = [
  'select name, setting from pg_settings order by name',
  'select datname, encoding, datcollate, datctype, datlocprovider from pg_database order by 1',
  'select rolname, rolsuper, rolcanlogin from pg_roles order by 1',
  'select nspname, relname, relkind::text from pg_class c join pg_namespace n on n.oid = relnamespace order by 1, 2',
]

test('a copy is what the engine makes, and is kept for the next', async () => {
  const cache = join(folder, 'not', 'yet')
  const cluster = await emptyCluster(cache)
  const kept = readdirSync(cache)
  expect(kept).toEqual([expect.stringMatching(/^\d+\.\d+\.\d+\.tar$/)])
  const again = await emptyCluster(cache)
  expect(Buffer.from(await again.bytes()).equals(Buffer.from(await cluster.bytes()))).toBe(true)
  const [fresh, copy] = [await open(), await open({ loadDataDir: again })]
  for (const query of SHOWN) {
    const { rows } = await copy.query(query)
    expect(rows.length).toBeGreaterThan(2)
    expect(rows).toEqual((await fresh.query(query)).rows)
  }
  await copy.exec('create table mine (id integer)')
  // What one does to its copy is nobody else's.
  const other = await open({ loadDataDir: await emptyCluster(cache) })
  expect((await other.query("select to_regclass('mine') as mine")).rows).toEqual([{ mine: null }])
})

test('where nothing can be kept, it is made all the same', async () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  const db = await open({ loadDataDir: await emptyCluster(join(file, 'cache')) })
  expect((await db.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})
