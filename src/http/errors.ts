// Everything thrown ends here: a Problem as it says, a dependency that is away as 502 or 503, the rest as 500.
import type { ErrorHandler } from 'hono'
import type { AppEnv } from '../context.ts'
import { AccountsUnavailable } from '../data/accounts.ts'
import { databaseFault } from '../data/db.ts'
import { ConfigError } from '../env.ts'
import { consoleLog, errorFields } from '../log.ts'
import { Problem, type ProblemCode, type ProblemExtras, respondWithProblem } from '../problem.ts'
import { isStripeFault } from '../stripe-fault.ts'

const RETRY_SECONDS = '5'

/** Answers with a problem; what was not expected is logged under the request's id and never shown. */
export const answerError: ErrorHandler<AppEnv> = (error, c) => {
  if (error instanceof Problem) return respondWithProblem(c, error.code, error.extras)
  const log = c.var.deps?.log ?? consoleLog
  const [code, extras] = classify(error)
  log('error', code, { request_id: c.var.requestId, path: c.req.path, ...errorFields(error) })
  return respondWithProblem(c, code, extras)
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
