// One way to serve a Hono app on loopback from Node: a port of choice, a clear error when it is taken.
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'

/** What listens: its origin (`http://127.0.0.1:PORT`) and how to end it, open connections included. */
export interface Served {
  url: string
  port: number
  close(): Promise<void>
}

/** Anything that answers a Request: a Hono app is one. */
export interface FetchApp {
  /** `env` has Node's own `incoming` and `outgoing`, through which a fault can end the connection. */
  fetch(request: Request, env?: unknown): Response | Promise<Response>
}

/** A port that another process holds. `message` names the port and the variable to change. */
export class PortTakenError extends Error {
  override name = 'PortTakenError'
}

/**
 * Serves `app` on 127.0.0.1.
 * @param port 0 picks a free one.
 * @throws PortTakenError
 */
export function serve(app: FetchApp, port: number, what: string): Promise<Served> {
  const server = createAdaptorServer({ fetch: (request, env) => app.fetch(request, env) }) as Server
  // After Node's five seconds it would end a connection just when a busy Worker takes it up again.
  server.keepAliveTimeout = 65_000
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error)
      reject(
        new PortTakenError(
          `Port ${port} for ${what} is taken by another process. End it, or choose other ports with STACK_PORT (the stack) and PORT (the app).`,
        ),
      )
    })
    server.listen(port, '127.0.0.1', () => {
      const bound = (server.address() as AddressInfo).port
      resolve({ url: `http://127.0.0.1:${bound}`, port: bound, close: () => end(server) })
    })
  })
}

function end(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
