// The embedded Postgres by `pg`: shared fairly among connections, kept in its folder, clear when refused.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../dev/postgres.ts'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-postgres-'))
const dataDir = join(folder, 'not', 'yet', 'there')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client
}

describe('the embedded engine', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ dataDir })
  }, 60_000)
  afterAll(() => server.close())

  test('answers each of many connections with its own result', async () => {
    const clients = await Promise.all(Array.from({ length: 8 }, () => connect(server.url)))
    // Longer than a TCP segment, so that the messages of the connections come in pieces.
    const long = 'x'.repeat(300_000)
    const results = await Promise.all(
      clients.map(async (client, i) => {
        const seen: unknown[] = []
        for (let round = 0; round < 5; round += 1) {
          const { rows } = await client.query(
            `SELECT ${i} AS mine, $1::int AS sent, length($2) AS size`,
            [i, i % 2 === 0 ? long : ''],
          )
          seen.push(rows[0])
        }
        return seen
      }),
    )
    await Promise.all(clients.map((client) => client.end()))
    expect(results).toEqual(
      clients.map((_, i) => Array(5).fill({ mine: i, sent: i, size: i % 2 === 0 ? 300_000 : 0 })),
    )
  })

  test('shows a transaction to nobody else before its commit', async () => {
    const [writer, reader] = [await connect(server.url), await connect(server.url)]
    await writer.query('CREATE TABLE drafts (id int)')
    await writer.query('BEGIN')
    await writer.query('INSERT INTO drafts VALUES (1)')
    const read = reader.query('SELECT count(*)::int AS rows FROM drafts')
    await writer.query('INSERT INTO drafts VALUES (2)')
    await writer.query('COMMIT')
    expect((await read).rows).toEqual([{ rows: 2 }])
    await Promise.all([writer.end(), reader.end()])
  })

  test('rolls back for a connection that breaks, and serves the others', async () => {
    const [broken, other] = [await connect(server.url), await connect(server.url)]
    await broken.query('CREATE TABLE halves (id int)')
    await broken.query('BEGIN')
    await broken.query('INSERT INTO halves VALUES (1)')
    const read = other.query('SELECT count(*)::int AS rows FROM halves')
    const pending = broken.query('SELECT 1').catch(() => {})
    Reflect.get(broken, 'connection').stream.destroy()
    expect((await read).rows).toEqual([{ rows: 0 }])
    await pending
    await other.end()
  })

  test('keeps no setting of a session that has ended', async () => {
    const first = await connect(server.url)
    await first.query("SET application_name = 'left behind'")
    await first.end()
    const second = await connect(server.url)
    expect((await second.query('SHOW application_name')).rows).toEqual([{ application_name: '' }])
    await second.end()
  })

  test('reports errors and goes on', async () => {
    const client = await connect(server.url)
    await expect(client.query('SELECT $1::int', ['x'])).rejects.toMatchObject({ code: '22P02' })
    await expect(client.query('SELEC')).rejects.toMatchObject({ code: '42601' })
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    await client.end()
  })

  test.each([
    'COPY copied FROM STDIN',
    '  -- a comment\n copy copied (id) from /* here */ stdin with (format csv)',
    'SELECT 1; COPY copied FROM STDIN',
  ])('refuses %j, which would stop the engine for everybody', async (text) => {
    const [client, other] = [await connect(server.url), await connect(server.url)]
    await client.query('CREATE TABLE IF NOT EXISTS copied (id int)')
    await expect(client.query(text)).rejects.toMatchObject({ code: '0A000' })
    expect((await client.query('SELECT count(*)::int AS rows FROM copied')).rows).toEqual([
      { rows: 0 },
    ])
    expect((await other.query("SELECT 'copy x from stdin' AS text")).rows).toHaveLength(1)
    await Promise.all([client.end(), other.end()])
  })

  test('ends a connection that sits in a transaction while another waits', async () => {
    const shared = await startPostgres({ idleInTransactionMs: 50 })
    const [sitting, waiting] = [await connect(shared.url), await connect(shared.url)]
    const ended = once(sitting, 'error')
    await sitting.query('BEGIN')
    await sitting.query('CREATE TABLE half_done (id int)')
    const { rows } = await waiting.query(`SELECT to_regclass('half_done') AS found`)
    expect(rows).toEqual([{ found: null }])
    expect((await ended)[0]).toMatchObject({ code: '25P03' })
    await waiting.end()
    await shared.close()
  }, 60_000)

  test('refuses a second engine on its folder', async () => {
    await expect(startPostgres({ dataDir })).rejects.toThrow(`process ${process.pid}`)
  })

  test('says which port is taken', async () => {
    const port = Number(new URL(server.url).port)
    await expect(startPostgres({ port })).rejects.toMatchObject({
      name: 'PortTakenError',
      message: expect.stringContaining(String(port)),
    })
  }, 60_000)

  test('still has its rows when it is started again', async () => {
    const before = await connect(server.url)
    await before.query("CREATE TABLE kept AS SELECT 'yes' AS answer")
    await before.end()
    await server.close()
    expect(existsSync(`${dataDir}.lock`)).toBe(false)
    server = await startPostgres({ dataDir })
    const after = await connect(server.url)
    expect((await after.query('SELECT * FROM kept')).rows).toEqual([{ answer: 'yes' }])
    await after.end()
  }, 60_000)
})

test('a folder of another process is refused while it lives, and taken over when it died', async () => {
  const contested = join(folder, 'contested')
  const module = JSON.stringify(new URL('../../dev/folder-lock.ts', import.meta.url).href)
  const script = `const { lockFolder } = await import(${module})
    lockFolder(${JSON.stringify(contested)}, 'the embedded Postgres')
    console.log('locked'); process.stdin.resume()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  await expect(startPostgres({ dataDir: contested })).rejects.toMatchObject({
    name: 'FolderLockedError',
    message: expect.stringMatching(new RegExp(`${contested} .* process ${child.pid}\\.`)),
  })
  child.kill('SIGKILL')
  await once(child, 'exit')
  const server = await startPostgres({ dataDir: contested })
  const client = await connect(server.url)
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  await client.end()
  await server.close()
}, 60_000)
