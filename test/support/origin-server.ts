// The seller's own API as the tests have it: a real HTTP server in Node whose answers are steered by path and query.
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { type WebSocket, WebSocketServer } from 'ws'

/** What happened to the requests with `?id=…`: tests wait for it instead of sleeping. */
interface Story {
  /** How many have come. */
  hits: number
  /** One of them has come, its connection was closed, its gate was opened. */
  reached: PromiseWithResolvers<void>
  closed: PromiseWithResolvers<void>
  gate: PromiseWithResolvers<void>
}

/** What `/echo` and every path that is none of the below answers. */
export interface Echo {
  method: string
  /** As it stood in the request line. */
  url: string
  /** Names as they were sent, with their values. */
  headers: [name: string, value: string][]
  body: string
}

export async function startOrigin(): Promise<{ url: string; close(): Promise<void> }> {
  const stories = new Map<string, Story>()
  const storyOf = (id: string): Story => {
    const known = stories.get(id)
    if (known) return known
    const [reached, closed, gate] = [1, 2, 3].map(() => Promise.withResolvers<void>())
    const story = { hits: 0, reached, closed, gate } as Story
    stories.set(id, story)
    return story
  }
  const server = createServer((request, response) => {
    answer(storyOf, request, response).catch(() => request.destroy())
  })
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    const { searchParams, pathname } = new URL(request.url ?? '', 'http://origin')
    if (pathname.endsWith('/refuses')) {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno')
      return
    }
    const story = storyOf(searchParams.get('id') ?? '')
    story.hits += 1
    sockets.handleUpgrade(request, socket, head, (client) => converse(client, request, story))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Tells the handshake, then says everything back; `bye` ends it from this side. */
function converse(client: WebSocket, request: IncomingMessage, story: Story): void {
  client.on('close', () => story.closed.resolve())
  client.on('message', (data: Buffer, binary: boolean) => {
    if (!binary && String(data) === 'bye') client.close(4001, 'said bye')
    else client.send(binary ? data : `echo ${data}`, { binary })
  })
  client.send(JSON.stringify(echoOf(request, '')))
}

async function answer(
  storyOf: (id: string) => Story,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(`http://origin${request.url}`)
  const story = storyOf(searchParams.get('id') ?? '')
  const [, told, id = ''] = /^\/_(hits|reached|closed|gate)\/(.+)$/.exec(pathname) ?? []
  if (told) return tell(response, told as keyof Story, storyOf(id))
  story.hits += 1
  response.once('close', () => story.closed.resolve())
  story.reached.resolve()
  switch (pathname.split('/').at(-1)) {
    case 'hangs':
      return
    case 'resets':
      request.socket.destroy()
      return
    case 'speaks-no-http':
      request.socket.end('nonsense\r\n\r\n')
      return
    case 'events':
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.write('data: first\n\n')
      await story.gate.promise
      response.end('data: second\n\n')
      return
    case 'endless':
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.write('data: first\n\n')
      return
    case 'breaks-off':
      response.writeHead(200, { 'Content-Length': 1000 })
      response.write('some', () => request.socket.destroy())
      return
    case 'duplex':
      response.writeHead(200)
      response.flushHeaders()
      request.pipe(response)
      return
    case 'gzip':
      response.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Type': 'text/plain' })
      response.end(gzipSync('unzipped'))
      return
  }
  const status = Number(searchParams.get('status') ?? 200)
  response.writeHead(status, {
    'Content-Type': 'application/json',
    ...headersOf(searchParams.getAll('header')),
  })
  response.end(JSON.stringify(echoOf(request, await bodyOf(request))))
}

/** `GET /_hits/ID` counts; `/_reached/ID` and `/_closed/ID` answer once it is so; `/_gate/ID` opens the gate. */
async function tell(response: ServerResponse, what: keyof Story, story: Story): Promise<void> {
  if (what === 'gate') story.gate.resolve()
  if (what !== 'hits') await story[what].promise
  response.end(String(story.hits))
}

/** `Name: value` of each. */
function headersOf(lines: readonly string[]): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {}
  for (const line of lines) {
    const [name = '', ...rest] = line.split(':')
    const before = headers[name]
    const value = rest.join(':').trim()
    headers[name] = before === undefined ? value : [before, value].flat().map(String)
  }
  return headers
}

function echoOf({ method = '', url = '', rawHeaders }: IncomingMessage, body: string): Echo {
  const names = rawHeaders.filter((_, index) => index % 2 === 0)
  const headers = names.map((name, at): [string, string] => [name, rawHeaders[2 * at + 1] ?? ''])
  return { method, url, headers, body }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
