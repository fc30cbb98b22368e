// What nobody answers ends here, and everything thrown: a Problem as it says, a dependency that is away as 502 or 503, the rest as 500.
import type { ErrorHandler, Hono, NotFoundHandler } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
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

/** 405 with the methods that `app` has for the path, else 404. Asked of what nobody answered, not of every request. */
export function answerNotFound(app: Hono<AppEnv>): NotFoundHandler<AppEnv> {
  const refuseMethod = methodNotAllowed({
    app,
    onMethodNotAllowed: (c, methods) =>
      respondWithProblem(c, 'method_not_allowed', { headers: { Allow: methods.join(', ') } }),
  })
  return async (c) => {
    c.res = respondWithProblem(c, 'not_found')
    await refuseMethod(c, async () => {})
    return c.res
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
