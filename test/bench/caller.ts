// One caller: a connection of its own, one request at a time. A raw socket, because an HTTP client costs more than
// the Worker that it would measure.
import { connect, type Socket } from 'node:net'

export interface Answer {
  status: number
  /** From the request's first byte to the answer's last one. */
  ms: number
  body: string
}

/** The connection ended before the answer did. */
export class NoAnswer extends Error {
  override name = 'NoAnswer'
}

const HEAD_END = '\r\n\r\n'
const LENGTH = /\r\ncontent-length: (\d+)/i
const CHUNKED = /\r\ntransfer-encoding: chunked/i
const LAST_CHUNK = '0\r\n\r\n'

export class Caller {
  readonly #socket: Socket
  #received: Buffer | undefined
  #sentAt = 0
  #settle: { resolve(answer: Answer): void; reject(error: Error): void } | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#hear(chunk))
    socket.on('error', (error) => this.#fail(error.message))
    socket.on('close', () => this.#fail('closed'))
  }

  static open(port: number): Promise<Caller> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.removeListener('error', reject)
        resolve(new Caller(socket))
      })
      socket.once('error', reject)
    })
  }

  /** @throws NoAnswer */
  send(request: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new NoAnswer('closed'))
      this.#settle = { resolve, reject }
      this.#received = undefined
      this.#sentAt = performance.now()
      this.#socket.write(request)
    })
  }

  /** Leaves: workerd takes a connection that is only closed for one whose caller still listens. */
  reset(): void {
    this.#settle = undefined
    this.#socket.resetAndDestroy()
  }

  close(): void {
    this.#settle = undefined
    this.#socket.destroy()
  }

  #hear(chunk: Buffer): void {
    const at = performance.now()
    const bytes = this.#received === undefined ? chunk : Buffer.concat([this.#received, chunk])
    this.#received = bytes
    const headEnd = bytes.indexOf(HEAD_END)
    if (headEnd < 0) return
    const head = bytes.toString('latin1', 0, headEnd)
    const start = headEnd + HEAD_END.length
    const length = LENGTH.exec(head)?.[1]
    const whole =
      length === undefined
        ? !CHUNKED.test(head) ||
          bytes.toString('latin1', bytes.length - LAST_CHUNK.length) === LAST_CHUNK
        : bytes.length >= start + Number(length)
    if (!whole) return
    const settle = this.#settle
    this.#settle = undefined
    const answer = new ReceivedAnswer(Number(head.slice(9, 12)), at - this.#sentAt, bytes, start)
    settle?.resolve(answer)
  }

  #fail(why: string): void {
    this.#settle?.reject(new NoAnswer(why))
    this.#settle = undefined
  }
}

/** Reads the body only where somebody looks at it. */
class ReceivedAnswer implements Answer {
  readonly status: number
  readonly ms: number
  readonly #bytes: Buffer
  readonly #start: number

  constructor(status: number, ms: number, bytes: Buffer, start: number) {
    this.status = status
    this.ms = ms
    this.#bytes = bytes
    this.#start = start
  }

  get body(): string {
    return this.#bytes.subarray(this.#start).toString()
  }
}
