// workerd itself, serving a bundle as Cloudflare's edge would: no wrangler, no proxy in between.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { start } from './children.ts'
import { workerdConfig } from './workerd-config.ts'

const WORKERD = fileURLToPath(new URL('../../node_modules/workerd/bin/workerd', import.meta.url))

export interface Workerd {
  port: number
  pid: number
  /** SIGKILL: as an isolate dies, with no time to settle anything. */
  kill(): Promise<void>
  close(): Promise<void>
  /** What it wrote, its log lines included. */
  output(): string
}

/**
 * Serves `bundle`, a script's path, on a free loopback port. `log`: whether its lines are heard; those who measure leave
 * them to the system, as whoever reads them takes time from whoever calls.
 * @throws Error with workerd's output
 */
export async function startWorkerd(
  bundle: string,
  vars: Readonly<Record<string, string>> = {},
  log: 'heard' | 'dropped' = 'heard',
): Promise<Workerd> {
  const config = join(mkdtempSync(join(dirname(bundle), 'workerd-')), 'config.capnp')
  writeFileSync(config, workerdConfig(`../${basename(bundle)}`, vars))
  // The fourth descriptor: workerd tells there which port it got.
  const child = start(WORKERD, ['serve', '--control-fd=3', config], {
    stdio: ['ignore', log === 'heard' ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const hear = (chunk: Buffer) => {
    output += chunk
    // Now and then, not each time: there is a line a request.
    if (output.length > 200_000) output = output.slice(-20_000)
  }
  child.process.stdout?.on('data', hear)
  child.process.stderr?.on('data', hear)
  const control = createInterface(child.process.stdio[3] as Readable)
  const port = await new Promise<number>((resolve, reject) => {
    control.on('line', (line) => {
      const message = JSON.parse(line)
      if (message.event === 'listen') resolve(message.port)
    })
    child.ended.then((end) => reject(new Error(`workerd ended with ${end}:\n${output}`)))
  })
  return {
    port,
    pid: child.process.pid ?? 0,
    kill: () => child.end('SIGKILL'),
    close: () => child.end(),
    output: () => output,
  }
}
