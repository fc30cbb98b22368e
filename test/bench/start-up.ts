// The time from starting workerd to its first answer: the whole app's beside bare Hono's.
import { callOnce } from './load.ts'
import { request } from './request.ts'
import type { Setting } from './setting.ts'
import { withWorkerd } from './setting.ts'
import { median } from './statistics.ts'

export interface StartUpResult {
  startupMs: number
  bareStartupMs: number
  /** The bare route's beside the libraries of the app. */
  librariesStartupMs: number
}

export async function startUp({ bundles, vars, effort }: Setting): Promise<StartUpResult> {
  const app: number[] = []
  const bare: number[] = []
  const libraries: number[] = []
  // One more than counts: the first brings the binary and the scripts into the machine's file cache.
  for (let start = 0; start <= effort.starts; start += 1) {
    bare.push(await timeToAnswer(bundles.bare, {}, '/api/v1/bench'))
    libraries.push(await timeToAnswer(bundles.libraries, {}, '/api/v1/bench'))
    app.push(await timeToAnswer(bundles.app, vars, '/api/v1/health'))
  }
  return {
    startupMs: median(app.slice(1)),
    bareStartupMs: median(bare.slice(1)),
    librariesStartupMs: median(libraries.slice(1)),
  }
}

async function timeToAnswer(
  script: string,
  vars: Readonly<Record<string, string>>,
  path: string,
): Promise<number> {
  const started = performance.now()
  return withWorkerd(script, vars, async ({ port }) => {
    await callOnce(port, request(path), 200)
    return performance.now() - started
  })
}
