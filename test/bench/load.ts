// Load: some callers, each sending its next request when the last one is answered, for a time or a number of calls.
import { type Answer, Caller } from './caller.ts'

export interface Load {
  port: number
  callers: number
  /** The next request, whoever sends it; undefined when there is none left. */
  next(): Buffer | undefined
  /** The status that every answer must have. */
  status: number
  /** Ends after this time, and after this many calls. */
  seconds?: number
  calls?: number
  /** What each caller waits between its calls, so that no call waits for another: in milliseconds. */
  pauseMs?: number
}

export interface LoadResult {
  seconds: number
  /** One a call, in the order of their ends. */
  latenciesMs: number[]
}

/** An answer of another status than the row is about: it would be measured as something that it is not. */
export class UnexpectedAnswer extends Error {
  override name = 'UnexpectedAnswer'
}

/** @throws UnexpectedAnswer, NoAnswer */
export async function load(options: Load): Promise<LoadResult> {
  const { port, next, status, calls = Number.POSITIVE_INFINITY, pauseMs } = options
  const callers = await openCallers(port, options.callers)
  const latenciesMs: number[] = []
  let sent = 0
  const started = performance.now()
  const end = started + (options.seconds ?? Number.POSITIVE_INFINITY) * 1000
  let last = started

  const run = async (caller: Caller, index: number) => {
    // Callers that pause start one after the other, or they would call in step for ever.
    if (pauseMs) await sleep((pauseMs * index) / callers.length)
    while (sent < calls && performance.now() < end) {
      const request = next()
      if (!request) return
      sent += 1
      const answer = await caller.send(request)
      if (answer.status !== status) throw unexpected(answer, status)
      latenciesMs.push(answer.ms)
      last = performance.now()
      if (pauseMs) await sleep(pauseMs)
    }
  }
  try {
    await Promise.all(callers.map(run))
  } finally {
    for (const caller of callers) caller.close()
  }
  return { seconds: (last - started) / 1000, latenciesMs }
}

export function openCallers(port: number, count: number): Promise<Caller[]> {
  return Promise.all(Array.from({ length: count }, () => Caller.open(port)))
}

/** One call on a connection of its own. @throws UnexpectedAnswer when its status is not `status` */
export async function callOnce(port: number, request: Buffer, status?: number): Promise<Answer> {
  const caller = await Caller.open(port)
  try {
    const answer = await caller.send(request)
    if (status !== undefined && answer.status !== status) throw unexpected(answer, status)
    return answer
  } finally {
    caller.close()
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function unexpected(answer: Answer, status: number): UnexpectedAnswer {
  return new UnexpectedAnswer(
    `A call was answered ${answer.status}, not ${status}: ${answer.body.slice(0, 500)}`,
  )
}
