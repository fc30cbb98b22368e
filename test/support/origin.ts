// The app in front of a seller's own API, and what a test asks of the one about the other.
import { createExecutionContext, env, waitOnExecutionContext } from 'cloudflare:test'
import { signUp, type TestApp, testApp, unique } from './app.ts'
import type { Echo } from './origin-server.ts'
import { type Subscriber, stack, subscribe } from './stripe.ts'

/** The tests' origin (origin-server.ts); bound by vitest.config.ts. */
export const originUrl = (env as unknown as { TEST_ORIGIN: string }).TEST_ORIGIN

export const SIGNING_SECRET = 'u6Zs1mWc9TqXo4KfB8vJr2NdHyE7gPaL'

export interface Gateway extends TestApp {
  /** Sends a request with all of what `fetch` takes; `settled` waits for what the platform would wait for. */
  send(
    path: string,
    init?: RequestInit & { key?: string },
  ): Promise<{ response: Response; settled: () => Promise<void> }>
  /** Sends it to an echo and gives what the origin heard. */
  heard(path: string, init?: RequestInit & { key?: string }): Promise<Echo>
  /** API calls that were charged this month. */
  used(person: { key: string }): Promise<number>
}

/** A fresh app with the origin below `path`. */
export function gateway(path = '', vars: Record<string, string> = {}): Gateway {
  const origin = {
    ORIGIN_URL: `${originUrl}${path}`,
    ORIGIN_SIGNING_SECRET: SIGNING_SECRET,
    ...vars,
  }
  const app = testApp(origin)
  const send: Gateway['send'] = async (where, { key, headers, ...init } = {}) => {
    const ctx = createExecutionContext()
    const all = new Headers(headers)
    if (key) all.set('X-API-Key', key)
    const url = where.startsWith('http') ? where : `http://tollgate.test${where}`
    const request = new Request(url, { redirect: 'manual', ...init, headers: all })
    const response = await app.app.fetch(request, { ...env, ...origin }, ctx)
    return { response, settled: () => waitOnExecutionContext(ctx) }
  }
  return {
    ...app,
    send,
    async heard(where, init) {
      const { response, settled } = await send(where, init)
      const text = await response.text()
      await settled()
      if (!text.startsWith('{"method"')) throw new Error(`${where}: ${response.status} ${text}`)
      return JSON.parse(text)
    },
    async used({ key }) {
      const { json } = await app.call('GET', '/billing/usage', { key })
      return json.current_month.api_calls
    },
  }
}

/** Someone who pays; `pro` where a test calls often. */
export async function payingCustomer(app: TestApp, tier: 'hobby' | 'pro' = 'hobby') {
  return subscribe(app, await signUp(app, tier), tier)
}

/** What became of the requests with `?id=…`. */
export function story(id = unique('call')) {
  const ask = async (what: string) => (await fetch(`${originUrl}/_${what}/${id}`)).text()
  return {
    id,
    hits: async () => Number(await ask('hits')),
    reached: () => ask('reached'),
    closed: () => ask('closed'),
    openGate: () => ask('gate'),
  }
}

export type { Echo, Subscriber }
export { stack }
