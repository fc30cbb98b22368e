// The Worker as a developer runs it: what `wrangler dev` must outlive.
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type RunningWorker, startWorker } from '../../dev/worker.ts'

let worker: RunningWorker

beforeAll(async () => {
  const { signal } = new AbortController()
  worker = await startWorker({ port: 0, vars: inject('vars'), verbose: false, signal })
})
afterAll(() => worker?.close())

test.each(['/auth/login', '/billing/webhooks/stripe'])(
  'a body for %s that is too large, and does not say so, is refused again and again',
  async (path) => {
    for (let time = 0; time < 3; time += 1) {
      const upload = await fetch(`${worker.url}/api/v1${path}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        // A stream has no length to declare: it goes out in chunks.
        body: new Blob(['x'.repeat(5_000_000)]).stream(),
        duplex: 'half',
      })
      expect([upload.status, await upload.json()]).toMatchObject([
        413,
        { code: 'payload_too_large' },
      ])
      expect((await fetch(`${worker.url}/api/v1/health`)).status).toBe(200)
    }
  },
)
