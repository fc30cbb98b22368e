// A database behind Neon's protocol for one test file: the embedded engine, or a fresh database on the
// server of LOCAL_POSTGRES_URL.
import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { neonConfig } from '@neondatabase/serverless'
import { type NeonOptions, neonApp } from '../../dev/neon.ts'
import { createDatabase, dropDatabase, startPostgres } from '../../dev/postgres.ts'

export const CREDENTIALS = { user: 'seller', password: 'p@ss/wörd %', database: 'tollgate' }
export const CONNECTION_STRING = `postgresql://seller:${encodeURIComponent(CREDENTIALS.password)}@127.0.0.1/tollgate`

/** What a Node server can serve with Node's request and response as the second argument. */
export interface NodeApp {
  fetch(request: Request, env?: unknown): Response | Promise<Response>
}

export interface Listening {
  url: string
  close(): Promise<void>
}

/** Serves on loopback and hands Node's request and response to the app. */
export async function listen(app: NodeApp): Promise<Listening> {
  const listener = getRequestListener((request, env) => app.fetch(request, env))
  const server: Server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export interface NeonUnderTest {
  /** Where `POST /sql` is answered; the driver is already pointed there. */
  sqlUrl: string
  /** The same database by wire. */
  postgresUrl: string
  close(): Promise<void>
}

/** @param wrap what stands in front of Neon's app */
export async function startNeon(
  wrap: (app: NodeApp) => NodeApp = (app) => app,
  options: Pick<NeonOptions, 'onCommands'> = {},
): Promise<NeonUnderTest> {
  const server = process.env.LOCAL_POSTGRES_URL
  const name = `tollgate_test_${randomUUID().replaceAll('-', '')}`
  const postgres = await startPostgres(
    server === undefined ? {} : { url: await createDatabase(server, name) },
  )
  // One connection: what a request leaves behind, the next one runs into.
  const neon = neonApp({
    ...CREDENTIALS,
    ...options,
    postgresUrl: postgres.url,
    maxConnections: 1,
  })
  const http = await listen(wrap(neon.app))
  neonConfig.fetchEndpoint = `${http.url}/sql`
  return {
    sqlUrl: `${http.url}/sql`,
    postgresUrl: postgres.url,
    close: async () => {
      await http.close()
      await neon.close()
      await postgres.close()
      if (server !== undefined) await dropDatabase(server, name)
    },
  }
}
