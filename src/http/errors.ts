// What nobody answers ends here, and everything thrown: a Problem as it says, a dependency that is away as 502 or 503, the rest as 500.
import type { ErrorHandler, NotFoundHandler } from 'hono'
import type { AppEnv } from '../context.ts'
import { AccountsUnavailable } from '../data/accounts.ts'
import { databaseFault } from '../data/db.ts'
import { ConfigError } from '../env.ts'
import { consoleLog, errorFields } from '../log.ts'
import { Problem, type ProblemCode, type ProblemExtras, respondWithProblem } from '../problem.ts'
import { isStripeFault } from '../stripe-fault.ts'
import type { OwnPath } from './methods.ts'
import { routeOf } from './request-log.ts'

const RETRY_SECONDS = '5'

/** Answers with a problem; what was not expected is logged under the request's id and never shown. */
export const answerError: ErrorHandler<AppEnv> = (error, c) => {
  if (error instanceof Problem) return respondWithProblem(c, error.code, error.extras)
  const log = c.get('deps')?.log ?? consoleLog
  const [code, extras] = classify(error)
  log('error', code, {
    request_id: c.get('requestId'),
    route: routeOf(c),
    ...errorFields(error),
  })
  return respondWithProblem(c, code, extras)
}

/** 405 with the methods of the path where it is one of ours, else 404. */
export function answerNotFound(
  findOwnPath: (path: string) => OwnPath | null,
): NotFoundHandler<AppEnv> {
  return (c) => {
    const own = findOwnPath(c.req.path)
    c.set('route', own?.pattern ?? null)
    if (!own) return respondWithProblem(c, 'not_found')
    return respondWithProblem(c, 'method_not_allowed', {
      headers: { Allow: own.methods.join(', ') },
    })
  }
}

function classify(error: Error): [ProblemCode, ProblemExtras] {
  if (error instanceof ConfigError) {
    const errors = error.problems.map((message) => ({ message }))
    return ['misconfigured', { members: { errors } }]
  }
  if (error instanceof AccountsUnavailable || databaseFault(error)?.unavailable) {
    return ['unavailable', { headers: { 'Retry-After': RETRY_SECONDS } }]
  }
  if (isStripeFault(error)) return ['stripe_unavailable', {}]
  return ['internal_error', {}]
}
