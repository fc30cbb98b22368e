// Types only: what the tests' origin uses of `ws`.
declare module 'ws' {
  import type { EventEmitter } from 'node:events'
  import type { IncomingMessage } from 'node:http'
  import type { Duplex } from 'node:stream'

  export class WebSocket extends EventEmitter {
    readonly protocol: string
    send(data: string | Uint8Array, options?: { binary?: boolean }): void
    close(code?: number, reason?: string): void
  }
  export class WebSocketServer extends EventEmitter {
    constructor(options: { noServer: true })
    handleUpgrade(
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      done: (socket: WebSocket) => void,
    ): void
  }
}
