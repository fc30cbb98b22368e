// What the doctor's tests share: its findings in this process, and the command as npm runs it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Hono } from 'hono'
import { expect, onTestFinished } from 'vitest'
import { commandDeps, readCommandVars } from '../../dev/command-vars.ts'
import { examine } from '../../dev/doctor/examine.ts'
import type { Finding } from '../../dev/doctor/finding.ts'
import { patientOf } from '../../dev/doctor/patient.ts'
import { type Served, serve } from '../../dev/serve.ts'
import type { Stack } from '../../dev/stack.ts'
import { webhookRoutes } from '../../src/billing/webhook.ts'
import type { AppEnv } from '../../src/context.ts'
import { answerError, answerNotFound } from '../../src/http/errors.ts'
import { ownPathFinder } from '../../src/http/methods.ts'
import { openRequest } from '../../src/http/middleware.ts'

const DOCTOR = join(import.meta.dirname, '../../dev/doctor.ts')

export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-doctor-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The findings about these variables. */
export function findingsOf(
  vars: Record<string, string>,
  options: { workerUrl?: URL; now?: () => number } = {},
): Promise<Finding[]> {
  const read = readCommandVars(undefined, { folder: emptyFolder(), env: vars })
  return examine(patientOf(read, options))
}

/** Those that are not in order. */
export async function wrong(...examined: Parameters<typeof findingsOf>): Promise<Finding[]> {
  return (await findingsOf(...examined)).filter(({ level }) => level !== 'ok')
}

/** The command in a folder of its own, whose .dev.vars is `file`. */
export async function doctor(
  file: Record<string, string>,
  { args = [], env = {} }: { args?: string[]; env?: Record<string, string> } = {},
) {
  const folder = emptyFolder()
  const lines = Object.entries(file).map(([name, value]) => `${name}='${value}'`)
  writeFileSync(join(folder, '.dev.vars'), lines.join('\n'))
  const { NODE_COMPILE_CACHE } = process.env
  const child = spawn(process.execPath, [DOCTOR, ...args], {
    cwd: folder,
    env: { NODE_COMPILE_CACHE, ...env },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const [code] = await once(child, 'close')
  return { code, output, failed: output.split('\n').filter((line) => line.startsWith('fail')) }
}

/** The Worker's own webhook, served by Node. */
export function serveWorker(vars: Record<string, string>): Promise<Served> {
  const app = new Hono<AppEnv>()
  app.use(openRequest(() => commandDeps(vars, () => {})))
  app.onError(answerError)
  app.notFound(answerNotFound(ownPathFinder(app)))
  app.route('/api/v1/billing/webhooks', webhookRoutes())
  const context = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} }
  return serve({ fetch: (request) => app.fetch(request, {}, context) }, 0, 'the Worker')
}

export type Json = Record<string, unknown>

/**
 * The stack's variables with a Stripe that answers as `change` makes it: what a simulated test account never shows.
 * Any key is good enough for it.
 */
export async function throughProxy(
  { info, vars }: Stack,
  change: (path: string, body: Json, headers: Headers) => Json | Response,
): Promise<Record<string, string>> {
  const fetchChanged = async (request: Request) => {
    const { pathname, search } = new URL(request.url)
    const sent = new Headers(request.headers)
    sent.set('Authorization', `Bearer ${info.stripeSecretKey}`)
    const init = { method: request.method, headers: sent }
    const answer = await fetch(`${info.stripeApiBase}${pathname}${search}`, init)
    const headers = new Headers({ 'Content-Type': 'application/json' })
    headers.set('Stripe-Version', answer.headers.get('Stripe-Version') ?? '')
    const changed = change(pathname, (await answer.json()) as Json, headers)
    if (changed instanceof Response) return changed
    return new Response(JSON.stringify(changed), { status: answer.status, headers })
  }
  const proxy = await serve({ fetch: fetchChanged }, 0, 'a proxy')
  onTestFinished(() => proxy.close())
  return { ...vars, STRIPE_API_BASE: proxy.url }
}

/** One finding and no other. */
export const only = (item: string, says: RegExp, todo: RegExp, level = 'fail') => [
  expect.objectContaining({
    level,
    item,
    says: expect.stringMatching(says),
    todo: expect.stringMatching(todo),
  }),
]
