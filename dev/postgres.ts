// The Postgres of the stack: the embedded engine in a folder, or the server that a URL names.
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { lockFolder } from './folder-lock.ts'
import { emptyCluster } from './postgres-cluster.ts'
import { serveWire } from './postgres-wire.ts'
import { PortTakenError } from './serve.ts'

/** A Postgres that `pg` reaches at `url`. */
export interface PostgresServer {
  /** `postgres://` URL for the wire protocol. */
  url: string
  /** How many connections a pool in front of it should open: 1 for the embedded engine. */
  maxConnections: number
  close(): Promise<void>
}

export interface PostgresOptions {
  /** An existing server. When absent, the embedded engine is started. */
  url?: string
  /** Where the embedded engine keeps its files; in memory when absent. */
  dataDir?: string
  /** Port of the embedded engine on 127.0.0.1; 0 or absent picks a free one. */
  port?: number
  /** How long a connection may sit in a transaction of the embedded engine while others wait: 30 seconds. */
  idleInTransactionMs?: number
}

/** No Postgres answers at the URL. `message` names host and port, never the password. */
export class PostgresUnreachableError extends Error {
  override name = 'PostgresUnreachableError'
}

/** @throws PostgresUnreachableError, PortTakenError, FolderLockedError */
export function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  return options.url === undefined ? startEmbedded(options) : useServer(options.url)
}

async function useServer(url: string): Promise<PostgresServer> {
  await connected(url, async (client) => {
    await client.query('SELECT 1')
  })
  return { url, maxConnections: 10, close: async () => {} }
}

async function startEmbedded({
  dataDir,
  port = 0,
  idleInTransactionMs = 30_000,
}: PostgresOptions): Promise<PostgresServer> {
  const folder = dataDir === undefined ? undefined : resolve(dataDir)
  if (folder !== undefined) mkdirSync(dirname(folder), { recursive: true })
  const unlock = folder === undefined ? () => {} : lockFolder(folder, 'the embedded Postgres')
  let db: PGlite | undefined
  try {
    const isNew = folder === undefined || !existsSync(join(folder, 'PG_VERSION'))
    db = await PGlite.create({
      ...(folder !== undefined && { dataDir: folder }),
      ...(isNew && { loadDataDir: await emptyCluster() }),
    })
    const engine = db
    const wire = await serveWire(engine, port, idleInTransactionMs)
    return {
      url: `postgres://postgres@127.0.0.1:${wire.port}/postgres`,
      maxConnections: 1,
      close: async () => {
        await wire.end()
        await engine.close()
        unlock()
      },
    }
  } catch (error) {
    await db?.close()
    unlock()
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new PortTakenError(
      `Port ${port} for Postgres is taken by another process. End it, or choose other ports with STACK_PORT.`,
    )
  }
}

/**
 * Creates the database `name` on the server of `url`.
 * @returns the URL of the new database
 */
export async function createDatabase(url: string, name: string): Promise<string> {
  await connected(url, (client) => client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`))
  const created = new URL(url)
  created.pathname = `/${encodeURIComponent(name)}`
  return created.href
}

/** Drops the database `name`, ending the connections that it still has. Absent is fine. */
export async function dropDatabase(url: string, name: string): Promise<void> {
  const identifier = pg.escapeIdentifier(name)
  await connected(url, (client) =>
    client.query(`DROP DATABASE IF EXISTS ${identifier} WITH (FORCE)`),
  )
}

/** Drops the databases named `prefix`, milliseconds since 1970, `_` and hex digits, that are from before `limit`. */
export async function dropStaleDatabases(url: string, prefix: string, limit: Date): Promise<void> {
  const names: string[] = []
  await connected(url, async (client) => {
    const { rows } = await client.query<{ datname: string }>('SELECT datname FROM pg_database')
    names.push(...rows.map(({ datname }) => datname))
  })
  for (const name of names) {
    const [, made] = /^(\d{13})_[0-9a-f]+$/.exec(name.replace(prefix, '')) ?? []
    if (made && name.startsWith(prefix) && Number(made) < limit.getTime()) {
      await dropDatabase(url, name)
    }
  }
}

async function connected(url: string, use: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const where = place(url)
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  client.on('error', () => {
    // A connection that breaks fails the query that is under way, which says so.
  })
  try {
    await client.connect()
  } catch (error) {
    await client.end().catch(() => {})
    throw new PostgresUnreachableError(
      `Postgres at ${where} cannot be used: ${reason(error)}. Start it, correct LOCAL_POSTGRES_URL, or unset it to use the embedded engine.`,
    )
  }
  try {
    await use(client)
  } finally {
    await client.end()
  }
}

/** Host and port of a URL, for messages. The URL itself is never repeated: it carries a password. */
function place(url: string): string {
  if (!URL.canParse(url) || !/^postgres(ql)?:$/.test(new URL(url).protocol)) {
    throw new PostgresUnreachableError(
      'LOCAL_POSTGRES_URL is not a URL of the form postgres://user:password@host:port/database.',
    )
  }
  const { hostname, port } = new URL(url)
  return `${hostname || '127.0.0.1'}:${port || '5432'}`
}

function reason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reason).join(', ')
  return error instanceof Error ? error.message : String(error)
}
