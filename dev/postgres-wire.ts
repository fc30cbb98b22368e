// Postgres's wire protocol in front of the embedded engine, for several connections at once.
//
// The engine has one session. @electric-sql/pglite-socket shares it message by message: when a
// parameter is longer than one TCP segment, another connection's Parse slips in between and a query
// is answered with somebody else's statement. Here a connection has the engine to itself from the
// first message of a cycle to its Sync, and to the end of its transaction.
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { PGlite } from '@electric-sql/pglite'
import { withoutCopyIn } from './postgres-copy.ts'

const SSL_REQUEST = 80877103
const GSS_REQUEST = 80877104
const CANCEL_REQUEST = 80877102
/** Postgres itself refuses messages of 1 GiB and more. */
const MAX_MESSAGE_BYTES = 0x3fffffff

const QUERY = 0x51
const SYNC = 0x53
const FUNCTION_CALL = 0x46
const FLUSH = 0x48
const TERMINATE = 0x58
const ERROR = 0x45
/** The start-up message has no kind of its own. */
const START_UP = undefined
const ENDS_A_CYCLE = new Set<number | undefined>([START_UP, QUERY, SYNC, FUNCTION_CALL])

/** What listens. `end` closes the connections and resolves when the last one has left the engine. */
export interface Wire {
  port: number
  end(): Promise<void>
}

/**
 * Listens on 127.0.0.1 and speaks for `db`. Rejects with the listener's error (EADDRINUSE).
 * @param idleMs how long a connection may keep the engine without a word while others wait for it
 */
export function serveWire(db: PGlite, port: number, idleMs: number): Promise<Wire> {
  const turns = new Turns()
  const open = new Map<Socket, Promise<void>>()
  const server = createServer({ noDelay: true }, (socket) => {
    open.set(socket, converse(socket))
  })
  async function converse(socket: Socket): Promise<void> {
    const conversation = new Conversation(db, turns, socket, idleMs)
    await conversation.run()
    socket.destroy()
    await conversation.leave(() => open.size <= 1)
    open.delete(socket)
  }
  async function end(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of open.keys()) socket.destroy()
    await Promise.all(open.values())
    await closed
  }
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve({ port: (server.address() as AddressInfo).port, end })
    })
  })
}

/** First come, first served: who holds the engine. */
class Turns {
  #tail: Promise<void> = Promise.resolve()
  #waiting = 0

  get anybodyWaits(): boolean {
    return this.#waiting > 0
  }

  /** Resolves when it is the caller's turn, with the function that ends it. */
  async take(): Promise<() => void> {
    const before = this.#tail
    let release = (): void => {}
    this.#tail = new Promise((resolve) => {
      release = resolve
    })
    this.#waiting += 1
    await before
    this.#waiting -= 1
    return release
  }
}

/** One connection, from its start-up message to its end. */
class Conversation {
  readonly #db: PGlite
  readonly #turns: Turns
  readonly #socket: Socket
  #endTurn: (() => void) | undefined
  #unfinished = false
  readonly #idleMs: number
  #idle: NodeJS.Timeout | undefined

  constructor(db: PGlite, turns: Turns, socket: Socket, idleMs: number) {
    this.#idleMs = idleMs
    this.#db = db
    this.#turns = turns
    this.#socket = socket
  }

  async run(): Promise<void> {
    let started = false
    const received: Buffer[] = []
    let cycle: Buffer[] = []
    try {
      for await (const chunk of this.#socket) {
        received.push(chunk as Buffer)
        for (;;) {
          const taken = takeMessage(received, started)
          if (taken === undefined) break
          if (taken === 'end') return
          if (taken === 'not offered') {
            this.#socket.write('N')
            continue
          }
          const kind = started ? taken[0] : START_UP
          if (kind === TERMINATE) return
          cycle.push(started ? withoutCopyIn(taken) : taken)
          if (!ENDS_A_CYCLE.has(kind) && kind !== FLUSH) continue
          await this.#execute(cycle, kind === FLUSH ? 'unfinished' : 'whole')
          started = true
          cycle = []
        }
      }
    } catch {
      // The client broke off, or the engine is closing: the connection ends either way.
    }
  }

  /**
   * Ends what a dead connection may have left: its turn, a cycle without Sync, its transaction. When
   * nobody else is connected, the session forgets settings, temporary tables and prepared statements.
   */
  async leave(isAlone: () => boolean): Promise<void> {
    clearInterval(this.#idle)
    try {
      if (this.#endTurn === undefined && !isAlone()) return
      this.#endTurn ??= await this.#turns.take()
      if (this.#unfinished) await this.#send(message(SYNC))
      if (this.#db.isInTransaction()) await this.#send(message(QUERY, 'ROLLBACK\0'))
      if (isAlone()) await this.#send(message(QUERY, 'DISCARD ALL\0'))
    } catch {
      // Only a closing engine refuses these, and it drops the session anyway.
    } finally {
      this.#endTurn?.()
    }
  }

  async #execute(messages: Buffer[], part: 'whole' | 'unfinished'): Promise<void> {
    clearInterval(this.#idle)
    this.#endTurn ??= await this.#turns.take()
    if (this.#socket.destroyed) return
    this.#unfinished = part === 'unfinished'
    await this.#send(Buffer.concat(messages))
    if (this.#unfinished || this.#db.isInTransaction()) {
      this.#idle = setInterval(() => this.#endIdle(), this.#idleMs)
      return
    }
    this.#endTurn()
    this.#endTurn = undefined
  }

  /** As a server's `idle_in_transaction_session_timeout`, but only where somebody waits for the engine. */
  #endIdle(): void {
    if (!this.#turns.anybodyWaits) return
    const said = 'terminating connection due to idle-in-transaction timeout'
    this.#socket.end(message(ERROR, `SFATAL\0VFATAL\0C25P03\0M${said}\0\0`))
    this.#socket.destroySoon()
  }

  #send(bytes: Buffer): Promise<void> {
    return this.#db.runExclusive(() =>
      this.#db.execProtocolRawStream(new Uint8Array(bytes), {
        onRawData: (data) => {
          // The engine uses its buffer again, so what is sent later must be a copy.
          if (this.#socket.writable) this.#socket.write(Buffer.from(data))
        },
      }),
    )
  }
}

function message(kind: number, body = ''): Buffer {
  const bytes = Buffer.alloc(5 + Buffer.byteLength(body))
  bytes.writeUInt8(kind, 0)
  bytes.writeInt32BE(bytes.length - 1, 1)
  bytes.write(body, 5)
  return bytes
}

type Taken = Buffer | 'not offered' | 'end' | undefined

/** Takes one whole message off the front of `received`; undefined while it is incomplete. */
function takeMessage(received: Buffer[], started: boolean): Taken {
  const lengthAt = started ? 1 : 0
  const header = peek(received, lengthAt + 8)
  if (header.length < lengthAt + 4) return undefined
  const length = header.readInt32BE(lengthAt)
  if (length < 4 || length > MAX_MESSAGE_BYTES) return 'end'
  const total = lengthAt + length
  const available = received.reduce((sum, part) => sum + part.length, 0)
  if (available < total) return undefined
  const all = received.length === 1 ? (received[0] ?? Buffer.alloc(0)) : Buffer.concat(received)
  received.length = 0
  if (available > total) received.push(all.subarray(total))
  const taken = all.subarray(0, total)
  if (started) return taken
  const code = total >= 8 ? taken.readInt32BE(4) : 0
  if (code === SSL_REQUEST || code === GSS_REQUEST) return 'not offered'
  // One session, no second process to signal: a cancellation is taken and does nothing.
  if (code === CANCEL_REQUEST) return 'end'
  return code >>> 16 === 3 ? taken : 'end'
}

function peek(received: Buffer[], bytes: number): Buffer {
  const first = received[0]
  if (first === undefined || first.length >= bytes || received.length === 1) {
    return first ?? Buffer.alloc(0)
  }
  return Buffer.concat(received)
}
