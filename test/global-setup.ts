// Starts the stack that all tests share, on free ports and in memory, or on a fresh database of a real server.
import { randomBytes } from 'node:crypto'
import type { TestProject } from 'vitest/node'
import { createDatabase, dropDatabase } from '../dev/postgres.ts'
import { startStack } from '../dev/stack.ts'
import type { StackInfo } from '../dev/stack-info.ts'

declare module 'vitest' {
  interface ProvidedContext {
    stack: StackInfo
    vars: Record<string, string>
  }
}

export default async function setup(project: TestProject) {
  const server = process.env.LOCAL_POSTGRES_URL
  const name = `tollgate_test_${randomBytes(6).toString('hex')}`
  const stack = await startStack({
    postgresUrl: server && (await createDatabase(server, name)),
    redisUrl: process.env.LOCAL_REDIS_URL,
  })
  project.provide('stack', stack.info)
  project.provide('vars', stack.vars)
  return async () => {
    await stack.close()
    if (server) await dropDatabase(server, name)
  }
}
