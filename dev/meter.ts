// Counts what an app of the stack is asked to do: what a vendor would bill, and what a benchmark reports.
//
//   GET    /_meter   {requests, commands} since the start or the last reset
//   DELETE /_meter   204: both are zero again
//
// Control paths, which begin with `/_`, are not counted.
import { Hono } from 'hono'
import type { FetchApp } from './serve.ts'

/**
 * The commands that an app found in its requests: the app gets `add`, its meter the tally.
 * To read a copy of each body here would double what a request costs.
 */
export class Tally {
  total = 0
  readonly add = (commands: number): void => {
    this.total += commands
  }
}

/** `app` with a meter in front of it. Without a tally, each request is one command. */
export function withMeter(app: FetchApp, tally?: Tally): Hono {
  let requests = 0
  const outer = new Hono()

  outer.get('/_meter', (c) => c.json({ requests, commands: tally?.total ?? requests }))
  outer.delete('/_meter', (c) => {
    requests = 0
    if (tally) tally.total = 0
    return c.body(null, 204)
  })
  outer.all('/_*', (c) => app.fetch(c.req.raw, c.env))

  outer.all('*', (c) => {
    requests += 1
    return app.fetch(c.req.raw, c.env)
  })
  return outer
}
