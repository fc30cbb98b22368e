// Ports for the commands under test.
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Eight free ports in a row, below those that the system hands out for connections: the stack's and the app's. */
export async function freePorts(): Promise<number> {
  const first = 20_000 + 8 * randomInt(1_250)
  const free = await Promise.all(Array.from({ length: 8 }, (_, offset) => isFree(first + offset)))
  return free.every(Boolean) ? first : freePorts()
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const listening = once(server, 'listening').then(
    () => true,
    () => false,
  )
  server.listen(port, '127.0.0.1')
  if (!(await listening)) return false
  server.close()
  await once(server, 'close')
  return true
}
