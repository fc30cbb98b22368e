// Which methods a path of ours takes: for Allow, for 405 and for a browser's preflight.
import type { Hono } from 'hono'
import { TrieRouter } from 'hono/router/trie-router'
import type { AppEnv } from '../context.ts'

/** A route's pattern, and the methods that it takes: HEAD wherever GET is (Hono answers it), OPTIONS everywhere. */
export interface OwnPath {
  pattern: string
  methods: readonly string[]
}

/**
 * Finds the route of a path, whatever the method; null where no route of `app` has it. The table is made when it is
 * first asked for: routes are added until then.
 */
export function ownPathFinder(app: Pick<Hono<AppEnv>, 'routes'>): (path: string) => OwnPath | null {
  let router: TrieRouter<OwnPath> | undefined
  return (path) => {
    router ??= routerOf(app.routes)
    const found = router.match('ALL', path)[0].map(([own]) => own)
    const [first] = found
    if (!first) return null
    const methods = new Set(found.flatMap((own) => own.methods))
    return { pattern: first.pattern, methods: [...methods].sort(byName) }
  }
}

/** Patterns that differ in their parameters alone may stand for one path. */
function routerOf(routes: Hono<AppEnv>['routes']): TrieRouter<OwnPath> {
  const methodsOf = new Map<string, Set<string>>()
  for (const { method, path } of routes) {
    // Middleware, and the gateway: what takes all methods is no path of ours.
    if (method === 'ALL') continue
    const methods = methodsOf.get(path) ?? new Set(['OPTIONS'])
    methods.add(method)
    if (method === 'GET') methods.add('HEAD')
    methodsOf.set(path, methods)
  }
  const router = new TrieRouter<OwnPath>()
  for (const [pattern, methods] of methodsOf) {
    router.add('ALL', pattern, { pattern, methods: [...methods] })
  }
  return router
}

const byName = (one: string, other: string) => (one < other ? -1 : 1)
