// A large answer, read as fast as it comes and kept nowhere: how long it took, and its last line.
import { connect } from 'node:net'
import { NoAnswer } from './caller.ts'

export interface Download {
  status: number
  bytes: number
  /** From the request's first byte to the body's first one, and to the answer's last one. */
  firstByteMs: number
  ms: number
  /** The last line of the body. */
  end: string
}

const HEAD_END = '\r\n\r\n'
const LAST_CHUNK = '\r\n0\r\n\r\n'
/** No head, and no last line with the chunk around it, is longer. */
const EDGE_BYTES = 4_096

/** On a connection of its own. @throws NoAnswer */
export function download(port: number, request: Buffer): Promise<Download> {
  return new Promise((resolve, reject) => {
    let head = ''
    let tail: Buffer = Buffer.alloc(0)
    let bytes = 0
    let sentAt = 0
    let firstByteMs: number | undefined
    const socket = connect(port, '127.0.0.1', () => {
      sentAt = performance.now()
      socket.write(request)
    })
    socket.setNoDelay(true)
    socket.on('error', (error) => reject(new NoAnswer(error.message)))
    socket.on('close', () => reject(new NoAnswer('closed')))
    socket.on('data', (chunk: Buffer) => {
      const at = performance.now()
      bytes += chunk.length
      if (firstByteMs === undefined) {
        head += chunk.toString('latin1', 0, EDGE_BYTES)
        const headEnd = head.indexOf(HEAD_END)
        if (headEnd < 0 || head.length === headEnd + HEAD_END.length) return
        firstByteMs = at - sentAt
      }
      tail = Buffer.concat([tail, chunk.subarray(-EDGE_BYTES)]).subarray(-EDGE_BYTES)
      const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
      const text = tail.toString('latin1')
      const whole = length === undefined ? text.endsWith(LAST_CHUNK) : bytes >= Number(length)
      if (!whole) return
      socket.removeAllListeners('close')
      socket.destroy()
      const body = text.replace(LAST_CHUNK, '').trimEnd()
      const end = body.slice(body.lastIndexOf('\n') + 1)
      resolve({ status: Number(head.slice(9, 12)), bytes, firstByteMs, ms: at - sentAt, end })
    })
  })
}
