// What is around the Worker: Node here, the seller's own API there.

import { isLoopback } from '../loopback.ts'
import type { Finding } from './finding.ts'
import { LIMIT_MS, type Patient } from './patient.ts'

/** What wrangler and vitest want. */
const OLDEST_NODE = 22

export function checkNode(version = process.versions.node): Finding {
  const item = 'Node.js'
  if (Number.parseInt(version, 10) >= OLDEST_NODE) return { level: 'ok', item, says: version }
  const todo = 'npm install brings the right one; start commands by npm run'
  return { level: 'fail', item, says: `${version} is older than ${OLDEST_NODE}`, todo }
}

/** Any answer counts: what the origin says to a stranger is its own affair. */
export async function checkOrigin({ values, sources }: Patient): Promise<Finding[]> {
  const url = values.ORIGIN_URL
  if (!url) return []
  const item = 'Origin'
  const from = sources.ORIGIN_URL
  const startedAt = performance.now()
  try {
    const signal = AbortSignal.timeout(LIMIT_MS)
    const { status, body } = await fetch(url, { redirect: 'manual', signal })
    await body?.cancel()
    const ms = Math.round(performance.now() - startedAt)
    return [{ level: 'ok', item, says: `${url.host} answers in ${ms} ms (status ${status})`, from }]
  } catch {
    const todo = isLoopback(url) ? 'start it' : 'check ORIGIN_URL, and that it runs'
    return [{ level: 'fail', item, says: `${url.host} does not answer`, from, todo }]
  }
}
