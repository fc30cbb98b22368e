// A Postgres server named by LOCAL_POSTGRES_URL: used as it is, clear when it is away.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import pg from 'pg'
import { expect, test } from 'vitest'
import {
  createDatabase,
  dropDatabase,
  dropStaleDatabases,
  startPostgres,
} from '../../dev/postgres.ts'

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  // Dropping its database ends it.
  client.on('error', () => {})
  await client.connect()
  return client
}

test('a server that is away is an error that names host and port and no password', async () => {
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  await new Promise((resolve) => closed.close(resolve))
  const error = await startPostgres({ url: `postgres://me:s3cret@127.0.0.1:${port}/db` }).catch(
    (reason: Error) => reason,
  )
  expect(error).toMatchObject({ name: 'PostgresUnreachableError' })
  expect(String(error)).toContain(`127.0.0.1:${port}`)
  expect(String(error)).toContain('LOCAL_POSTGRES_URL')
  expect(String(error)).not.toContain('s3cret')
})

test.each(['nonsense s3cret', 'http://me:s3cret@127.0.0.1/db', 'postgres://me:s3cret@:x/db'])(
  'a URL that is malformed is an error without its text: %s',
  async (url) => {
    const error = await startPostgres({ url }).catch((reason: Error) => reason)
    expect(error).toMatchObject({ name: 'PostgresUnreachableError' })
    expect(String(error)).not.toContain('s3cret')
  },
)

const real = process.env.LOCAL_POSTGRES_URL
if (real !== undefined) {
  test('a server is used as it is, and databases come and go on it', async () => {
    const name = `tollgate_test_${crypto.randomUUID()}`
    const url = await createDatabase(real, name)
    const server = await startPostgres({ url })
    const client = await connect(server.url)
    expect((await client.query('SELECT current_database() AS name')).rows).toEqual([{ name }])
    await server.close()
    await dropDatabase(real, name)
    await expect(startPostgres({ url })).rejects.toThrow(/does not exist/)
    await dropDatabase(real, name)
  })

  test('a server loses the databases of earlier runs, and no other', async () => {
    // Postgres cuts names after 63 bytes.
    const prefix = `tollgate_stale_${crypto.randomUUID().slice(0, 8)}_`
    const names = [`${prefix}1700000000000_ab`, `${prefix}1900000000000_ab`, `${prefix}mine`]
    for (const name of names) await createDatabase(real, name)
    await dropStaleDatabases(real, prefix, new Date(1_800_000_000_000))
    const client = await connect(real)
    const left = await client.query(
      'SELECT datname FROM pg_database WHERE starts_with(datname, $1) ORDER BY 1',
      [prefix],
    )
    await client.end()
    for (const name of names) await dropDatabase(real, name)
    expect(left.rows.map(({ datname }) => datname)).toEqual(names.slice(1))
  })
}
