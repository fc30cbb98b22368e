// Connections and transactions behind the HTTP protocol: nothing of a request outlives it.
import { connect } from 'node:net'
import pg from 'pg'
import { Refusal } from './refusal.ts'
import { type Budget, run, type Statement } from './statement.ts'

/** Neon-Batch-Isolation-Level, as SQL. */
export const ISOLATION_LEVELS = {
  ReadUncommitted: 'READ UNCOMMITTED',
  ReadCommitted: 'READ COMMITTED',
  RepeatableRead: 'REPEATABLE READ',
  Serializable: 'SERIALIZABLE',
} as const

export interface TransactionOptions {
  isolationLevel?: keyof typeof ISOLATION_LEVELS
  readOnly: boolean
  deferrable: boolean
}

export function openPool(postgresUrl: string, maxConnections: number): pg.Pool {
  const pool = new pg.Pool({
    connectionString: postgresUrl,
    max: maxConnections,
    connectionTimeoutMillis: 0,
    // What Neon's computes run with, whatever the server in its place is set to.
    options: '-c TimeZone=GMT',
  })
  // An idle connection that breaks is replaced at the next request; unheard, it would end the process.
  pool.on('error', () => {})
  return pool
}

/** A single statement, in a transaction of its own. `gone` fires when the caller has gone away. */
export function runSingle(
  pool: pg.Pool,
  gone: AbortSignal,
  statement: Statement,
  budget: Budget,
): Promise<string> {
  return withConnection(pool, gone, (client) => run(client, statement, budget))
}

/** All statements in one transaction: each takes effect or none does. */
export function runBatch(
  pool: pg.Pool,
  gone: AbortSignal,
  statements: Statement[],
  options: TransactionOptions,
  budget: Budget,
): Promise<string[]> {
  return withConnection(pool, gone, async (client) => {
    await client.query(startOf(options))
    try {
      const results: string[] = []
      for (const statement of statements) {
        gone.throwIfAborted()
        results.push(await run(client, statement, budget))
      }
      gone.throwIfAborted()
      await client.query('COMMIT')
      return results
    } catch (error) {
      // If even this fails, the connection is not idle and withConnection closes it.
      await client.query('ROLLBACK').catch(() => {})
      throw error
    }
  })
}

function startOf({ isolationLevel, readOnly, deferrable }: TransactionOptions): string {
  const modes = []
  if (isolationLevel !== undefined)
    modes.push(`ISOLATION LEVEL ${ISOLATION_LEVELS[isolationLevel]}`)
  if (readOnly) modes.push('READ ONLY')
  if (deferrable) modes.push('DEFERRABLE')
  return `START TRANSACTION ${modes.join(', ')}`
}

async function withConnection<T>(
  pool: pg.Pool,
  gone: AbortSignal,
  use: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    if (error instanceof pg.DatabaseError) throw error
    throw new Refusal(500, "Couldn't connect to compute node")
  })
  const cancel = (): void => cancelQuery(client)
  const ignore = (): void => {}
  client.on('error', ignore)
  gone.addEventListener('abort', cancel, { once: true })
  try {
    gone.throwIfAborted()
    return await use(client)
  } finally {
    gone.removeEventListener('abort', cancel)
    await forgetSession(client, gone)
    client.off('error', ignore)
    // A statement may be a BEGIN; and a cancellation may still be on its way to this connection.
    client.release(gone.aborted || client.getTransactionStatus() !== 'I')
  }
}

/** Settings, temporary tables and locks of a session end with the request. A connection that refuses is not idle. */
async function forgetSession(client: pg.PoolClient, gone: AbortSignal): Promise<void> {
  if (gone.aborted || client.getTransactionStatus() !== 'I') return
  await client.query('DISCARD ALL').catch(() => client.end())
}

/** Tells the server to end what the connection runs, as Neon does when the caller hangs up. */
function cancelQuery(client: pg.PoolClient): void {
  const { host, port, processID, secretKey } = client as pg.PoolClient & BackendKey
  const request = Buffer.alloc(16)
  request.writeInt32BE(16, 0)
  request.writeInt32BE(CANCEL_REQUEST, 4)
  request.writeInt32BE(processID, 8)
  request.writeInt32BE(secretKey, 12)
  const socket = host.startsWith('/')
    ? connect(`${host}/.s.PGSQL.${port}`)
    : connect({ host, port })
  socket.on('error', () => {})
  socket.end(request)
}

const CANCEL_REQUEST = 80877102

/** What pg keeps of the server's BackendKeyData and does not declare. */
interface BackendKey {
  host: string
  port: number
  processID: number
  secretKey: number
}
