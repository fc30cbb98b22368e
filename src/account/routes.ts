// /account: what it is, password, email, sessions, everything held on it, its end.
import { Hono } from 'hono'
import * as z from 'zod/mini'
import { refuseCommonPassword } from '../common-passwords.ts'
import type { AppContext, AppEnv, Guard } from '../context.ts'
import { email, knownPassword, newPassword } from '../credentials.ts'
import { forgetAttempts, forgetElsewhere, trySignUp } from '../data/attempts.ts'
import { Problem } from '../problem.ts'
import { throttleBilling } from '../throttle.ts'
import { toTheEnd } from '../to-the-end.ts'
import { validJson } from '../validate.ts'
import { deleteAccount } from './delete.ts'
import { changeEmail } from './email.ts'
import { exportAccount } from './export.ts'
import { confirmPassword, type Holder, holderOf } from './holder.ts'
import { changePassword, logOutEverywhere, viewAccount } from './service.ts'

export const passwordBody = z.object({ password: knownPassword, new_password: newPassword })
export const emailBody = z.object({ password: knownPassword, email })
export const deletionBody = z.object({ password: knownPassword })

/** @param by the doors: any credential reads; what changes or shows the whole account takes a token */
export function accountRoutes(by: { anyone: Guard; person: Guard }): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .get('/', by.anyone, async (c) => privateJson(c, await viewAccount(c.var.deps, c.var.account)))

    .put('/password', by.person, async (c) => {
      const { password, new_password } = await validJson(c, passwordBody)
      const holder = await confirmed(c, password)
      refuseCommonPassword(new_password, holder.email, 'new_password')
      const change = { password, newPassword: new_password }
      const { deps } = c.var
      const changing = changePassword(deps, holder, change).then(async (token) => {
        await forgetElsewhere(deps, { address: addressOf(c), email: holder.email })
        return token
      })
      return privateJson(c, await toTheEnd(c, changing))
    })

    .put('/email', by.person, async (c) => {
      const body = await validJson(c, emailBody)
      const { email: old } = await confirmed(c, body.password)
      const { deps, account } = c.var
      const caller = { address: addressOf(c), email: body.email }
      const change = async () => {
        const outcome = await changeEmail(deps, account.userId, body.email, backgroundOf(c))
        if (!isTaken(outcome)) await forgetAttempts(deps, old)
        return outcome
      }
      // Whoever asks whether an email is taken is counted as at register.
      const outcome = await toTheEnd(c, trySignUp(deps, caller, change, isTaken))
      if (isTaken(outcome)) throw new Problem('email_taken')
      return privateJson(c, await viewAccount(c.var.deps, c.var.account))
    })

    .delete('/sessions', by.person, async (c) => {
      const { deps, account } = c.var
      const { email } = await holderOf(deps, account.userId)
      const ending = logOutEverywhere(deps, account.userId).then(() =>
        forgetElsewhere(deps, { address: addressOf(c), email }),
      )
      await toTheEnd(c, ending)
      return c.body(null, 204)
    })

    .get('/export', by.person, async (c) => {
      // It reads whatever was ever written of the account.
      await throttleBilling(c.var.deps, c.var.account.userId)
      const all = await exportAccount(c.var.deps, c.var.account.userId)
      const name = `tollgate-account-${all.exported_at.slice(0, 10)}.json`
      c.header('Content-Disposition', `attachment; filename="${name}"`)
      return privateJson(c, all)
    })

    .delete('/', by.person, async (c) => {
      const { password } = await validJson(c, deletionBody)
      await confirmed(c, password)
      const deleting = deleteAccount(c.var.deps, c.var.account.userId, backgroundOf(c))
      return privateJson(c, await toTheEnd(c, deleting))
    })
}

const isTaken = (outcome: 'changed' | 'email_taken') => outcome === 'email_taken'

type WaitUntil = (work: Promise<unknown>) => void

const backgroundOf = (c: AppContext): WaitUntil => {
  return (work) => c.executionCtx.waitUntil(work)
}

function confirmed(c: AppContext, password: string): Promise<Holder> {
  const { userId } = c.var.account
  return confirmPassword(c.var.deps, { userId, password, address: addressOf(c) })
}

function addressOf(c: AppContext): string | undefined {
  return c.req.header('CF-Connecting-IP')
}

function privateJson(c: AppContext, body: object): Response {
  c.header('Cache-Control', 'no-store')
  return c.json(body)
}
