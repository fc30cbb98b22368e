// Which paths are Tollgate's own, whatever the method: those are never the origin's.
import type { Hono } from 'hono'
import { TrieRouter } from 'hono/router/trie-router'
import type { AppEnv } from '../context.ts'
import { decoded } from './percent.ts'

/**
 * Tells whether a path is ours: it is that of a route (with another method it is 405, not the origin's business),
 * or it lies in a section of our API, like all of `/api/v1/auth/`: what is misspelt there may hold a password, so it
 * ends as 404 here. So does what an origin could take for such a path.
 */
export function ownPaths(routes: Hono<AppEnv>['routes']): (path: string) => boolean {
  const router = new TrieRouter<true>()
  for (const { method, path } of routes) {
    if (method === 'ALL') continue
    router.add('ALL', path, true)
    const [, api, version, section] = path.split('/')
    if (section) router.add('ALL', `/${api}/${version}/${section}/*`, true)
  }
  return (path) => router.match('ALL', plain(path))[0].length > 0
}

/**
 * As the most lenient server reads it: decoded, in lower case, ended by what ends a path or a C string, without matrix
 * parameters, empty segments, dots, and the blanks and dots that some file systems drop at a name's end.
 */
function plain(path: string): string {
  const segments: string[] = []
  const [whole = ''] = decoded(path)
    .toLowerCase()
    .split(/[?#\0]/)
  for (const segment of whole.split(/[/\\]+/)) {
    const [name = ''] = segment.split(';')
    const trimmed = name.replace(/^[\p{Cc}\s]+|(?<![\p{Cc}\s.])[\p{Cc}\s.]+$|^[\p{Cc}\s.]+$/gu, '')
    if (name === '..') segments.pop()
    else if (trimmed !== '') segments.push(trimmed)
  }
  return `/${segments.join('/')}`
}
