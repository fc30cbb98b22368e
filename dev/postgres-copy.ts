// COPY … FROM STDIN never reaches the embedded engine: it would wait for its data inside one call, and the whole
// process with it. A statement that fails takes its place, so that the engine itself ends the cycle as it should.

const QUERY = 0x51
const PARSE = 0x50
const COPY_IN = /(^|;)\s*copy\b[^;]*\bfrom\s+stdin\b/i
const COMMENTS = /--[^\n]*|\/\*[\s\S]*?\*\//g
const REFUSAL = `DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
  MESSAGE = 'COPY FROM STDIN is not supported by the embedded Postgres',
  HINT = 'Use INSERT, or a real server by LOCAL_POSTGRES_URL.'; END $$`

/** Whether `sql` copies from the client, which nobody answers: neither a program behind HTTP nor the engine's own call. */
export function copiesIn(sql: string): boolean {
  return COPY_IN.test(sql) || COPY_IN.test(sql.replace(COMMENTS, ' '))
}

/** `message` of a client, or one that fails where it holds a COPY from the client. */
export function withoutCopyIn(message: Buffer): Buffer {
  const kind = message[0]
  if (kind !== QUERY && kind !== PARSE) return message
  const nameEnd = kind === PARSE ? message.indexOf(0, 5) : 4
  const text = message.toString('utf8', nameEnd + 1, message.indexOf(0, nameEnd + 1))
  if (!copiesIn(text)) return message
  const name = message.subarray(5, nameEnd + 1)
  // A Parse ends with the number of its parameter types.
  const body = [name, Buffer.from(`${REFUSAL}\0`), Buffer.alloc(kind === PARSE ? 2 : 0)]
  const head = Buffer.alloc(5)
  head.writeUInt8(kind, 0)
  head.writeInt32BE(4 + body.reduce((sum, part) => sum + part.length, 0), 1)
  return Buffer.concat([head, ...body])
}
