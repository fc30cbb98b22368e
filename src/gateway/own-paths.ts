// Which paths are Tollgate's own, whatever the method: those are never the origin's.
import type { Hono } from 'hono'
import { TrieRouter } from 'hono/router/trie-router'
import type { AppEnv } from '../context.ts'

/**
 * Tells whether a path is ours: it is that of a route (with another method it is 405, not the origin's business),
 * or it lies in a section of our API, like all of `/api/v1/auth/`: what is misspelt there may hold a password, so it
 * ends as 404 here.
 */
export function ownPaths(routes: Hono<AppEnv>['routes']): (path: string) => boolean {
  const router = new TrieRouter<true>()
  for (const { method, path } of routes) {
    if (method === 'ALL') continue
    router.add('ALL', path, true)
    const [, api, version, section] = path.split('/')
    if (section) router.add('ALL', `/${api}/${version}/${section}/*`, true)
  }
  return (path) => router.match('ALL', path)[0].length > 0
}
