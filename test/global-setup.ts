// Starts the stack that all tests share: a process of its own, on free ports, in memory or on a fresh database
// of a real server.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { TestProject } from 'vitest/node'
import { createDatabase, dropDatabase, dropStaleDatabases } from '../dev/postgres.ts'
import type { StackInfo } from '../dev/stack-info.ts'
import { workerVars } from '../dev/worker-vars.ts'
import { startOrigin } from './support/origin-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    stack: StackInfo
    vars: Record<string, string>
    /** Where the seller's own API of the tests answers. */
    originUrl: string
  }
}

/** Followed by the moment of creation: what a killed run left is known by its age. */
const PREFIX = 'tollgate_test_'
const DAY_MS = 86_400_000

export default async function setup(project: TestProject) {
  const server = process.env.LOCAL_POSTGRES_URL
  const name = `${PREFIX}${Date.now()}_${randomBytes(6).toString('hex')}`
  if (server) await dropStaleDatabases(server, PREFIX, new Date(Date.now() - DAY_MS))
  const database = server && (await createDatabase(server, name))
  const child = spawn(process.execPath, ['dev/stack.ts', '--memory'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...(database && { LOCAL_POSTGRES_URL: database }) },
  })
  const ended = once(child, 'exit')
  const origin = await startOrigin()
  const end = async () => {
    await origin.close()
    child.stdin.end()
    await ended
    if (server) await dropDatabase(server, name)
  }
  const [line] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    ended.then(async ([code]) => {
      await end()
      throw new Error(`The stack ended with ${code} before it served`)
    }),
  ])
  const stack = JSON.parse(line) as StackInfo
  project.provide('stack', stack)
  project.provide('vars', workerVars(stack))
  project.provide('originUrl', origin.url)
  return end
}
