// What the rows and the experiments of a run share: the stack, the bundles, the accounts, and workerds on demand.
import type { Accounts } from './accounts.ts'
import type { Subject } from './measure.ts'
import type { Effort } from './options.ts'
import { benchCall } from './request.ts'
import { ROW } from './row-names.ts'
import type { BenchStack } from './stack.ts'
import { startWorkerd, type Workerd } from './workerd.ts'

/** Scripts' paths. */
export interface Bundles {
  /** The Worker as it is deployed. */
  app: string
  bare: string
  /** Floors of what the rows and the start-up could reach: see workers/floor.ts and workers/libraries.ts. */
  floor: string
  libraries: string
  paid: string
  recipe: string
  betterAuth: string
}

export interface Setting {
  stack: BenchStack
  bundles: Bundles
  accounts: Accounts
  effort: Effort
  /** The Worker's variables that point it at the stack. */
  vars: Readonly<Record<string, string>>
  /** The bare route: the limit. */
  bare: Subject
}

export function bareSubject({ port, pid }: Workerd, name: string = ROW.bare): Subject {
  const call = benchCall()
  return { name, port, pid, status: 200, endless: true, next: () => call }
}

/** Runs `work` with workerds of its own, and ends them whatever happens. */
export async function withWorkerd<T>(
  script: string,
  vars: Readonly<Record<string, string>>,
  work: (worker: Workerd) => Promise<T>,
): Promise<T> {
  return withWorkerds(1, script, vars, ([worker]) => work(worker as Workerd))
}

export async function withWorkerds<T>(
  count: number,
  script: string,
  vars: Readonly<Record<string, string>>,
  work: (workers: Workerd[]) => Promise<T>,
): Promise<T> {
  const started = await Promise.allSettled(
    Array.from({ length: count }, () => startWorkerd(script, vars, 'dropped')),
  )
  const workers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  try {
    for (const one of started) if (one.status === 'rejected') throw one.reason
    return await work(workers)
  } catch (error) {
    const log = workers.map((worker) => worker.output().trim().slice(-600)).join('\n')
    throw log ? new Error(`${error}\nThe Worker wrote:\n${log}`, { cause: error }) : error
  } finally {
    await Promise.all(workers.map((worker) => worker.close()))
  }
}
