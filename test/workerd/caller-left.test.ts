// A caller who hangs up in the middle of a change: it is made whole all the same. Only a real socket shows it.
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { bundle } from '../bench/bundle.ts'
import { startWorkerd, type Workerd } from '../bench/workerd.ts'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-left-'))
const { databaseUrl, redisUrl } = inject('stack')
let worker: Workerd

beforeAll(async () => {
  worker = await startWorkerd(await bundle('src/index.ts', folder), inject('vars'))
})
afterAll(async () => {
  await worker?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A fault at the edge of `origin`; see dev/faults/order.ts. */
async function order(origin: string, bodyIncludes: string, fault: object) {
  const base = `${origin}/_faults`
  const body = JSON.stringify({ match: { bodyIncludes }, fault, times: 1 })
  const headers = { 'Content-Type': 'application/json' }
  const { id } = (await (await fetch(base, { method: 'POST', headers, body })).json()) as {
    id: string
  }
  onTestFinished(async () => {
    await (await fetch(`${base}/${id}`, { method: 'DELETE' })).text()
  })
  return {
    hit: async () => (await fetch(`${base}/${id}/wait?hits=1`)).text(),
    release: async () => (await fetch(`${base}/${id}/release`, { method: 'POST' })).text(),
  }
}

async function call(method: string, path: string, token = '', body?: object) {
  const answer = await fetch(`http://127.0.0.1:${worker.port}/api/v1${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    ...(body && { body: JSON.stringify(body) }),
  })
  expect(answer.status).toBe(200)
  return (await answer.json()) as {
    access_token: string
    user: { id: string }
    keys: { id: string }[]
  }
}

test('Redis hears of a key that is revoked by a caller who leaves meanwhile', async () => {
  const email = `left-${crypto.randomUUID()}@example.com`
  const person = await call('POST', '/auth/register', '', {
    email,
    password: 'correct horse battery',
  })
  const token = person.access_token
  const [key] = (await call('GET', '/keys', token)).keys
  const postgres = `http://${new URL(databaseUrl).host}`
  const statement = await order(postgres, 'key.revoked', { kind: 'hold' })
  // Its answer is as ever: the order tells that Redis was asked.
  const snapshot = `{\\"userId\\":\\"${person.user.id}`
  const telling = await order(redisUrl, snapshot, { kind: 'slow', afterMs: 0 })
  const socket = connect(worker.port, '127.0.0.1', () =>
    socket.write(
      `DELETE /api/v1/keys/${key?.id} HTTP/1.1\r\nHost: tollgate.test\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    ),
  )
  socket.on('error', () => {})
  await statement.hit()
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.resetAndDestroy()
  await closed
  // A later request is answered: the Worker has read of the reset.
  await call('GET', '/keys', token)
  await statement.release()
  await telling.hit()
  expect((await call('GET', '/keys', token)).keys).toEqual([])
})
