// A real Redis under the stack, where this machine has one: the embedded engine interprets its scripts, some
// milliseconds each, on the cores that the Worker is measured on.

import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { Caller } from './caller.ts'
import { run, start } from './children.ts'
import { sleep } from './load.ts'

export interface RedisServer {
  url: string
  version: string
  close(): Promise<void>
}

const READY_MS = 5_000

/** Null where there is no redis-server. It keeps nothing. */
export async function startRedisServer(): Promise<RedisServer | null> {
  const version = await run('redis-server', ['--version'], {}).catch(() => null)
  if (version === null) return null
  const port = await freePort()
  const options = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
  ]
  const child = start('redis-server', options, { stdio: 'ignore' })
  const end = performance.now() + READY_MS
  while (!(await answers(port))) {
    if (performance.now() > end) throw new Error('redis-server does not answer')
    await sleep(20)
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    version: /v=(\S+)/.exec(version)?.[1] ?? '',
    close: () => child.end(),
  }
}

async function answers(port: number): Promise<boolean> {
  try {
    const caller = await Caller.open(port)
    caller.close()
    return true
  } catch {
    return false
  }
}

function freePort(): Promise<number> {
  const probe = createServer()
  return new Promise((resolve, reject) => {
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
