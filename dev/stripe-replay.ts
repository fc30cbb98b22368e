// `npm run stripe:replay -- evt_…`: runs events again by their ids, whether they were done or not.
import { parseArgs } from 'node:util'
import { replayEvent } from '../src/billing/replay.ts'
import { explained, UsageError } from './command-errors.ts'
import { commandDeps, readCommandVars } from './command-vars.ts'

const USAGE = `npm run stripe:replay -- evt_… [evt_… …] [--vars FILE]: runs events of Stripe's again.

Each is read from Stripe (which keeps them for 30 days), or else taken from the ledger, and what it names is read
live: an event that was done already changes nothing but what differs from Stripe. One of a refund or a lost dispute
ends its subscription at Stripe, as PAYMENT_REVERSAL_POLICY says today.`

/** @returns the exit status: 1 when one of them failed */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { vars: { type: 'string' }, help: { type: 'boolean', default: false } },
  })
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  if (positionals.length === 0) throw new UsageError(USAGE)
  const wrong = positionals.find((id) => !/^evt_\w+$/.test(id))
  if (wrong !== undefined) throw new UsageError(`${wrong} is no event: an id begins with evt_`)
  const { vars } = readCommandVars(values.vars)
  const deps = commandDeps(vars, (level, event, fields) => {
    if (level !== 'info') console.error(`  ${event} ${JSON.stringify(fields)}`)
  })
  let failed = 0
  for (const id of positionals) {
    try {
      const result = await replayEvent(deps, id, { again: true })
      if ('kind' in result)
        throw new UsageError(
          'Stripe has this event no more, and the ledger does not know of what it spoke',
        )
      console.log(`${id}  ${result.outcome}: ${result.reason}`)
    } catch (error) {
      failed += 1
      console.log(`${id}  failed: ${explained(error)}`)
    }
  }
  return failed > 0 ? 1 : 0
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(explained(error))
  process.exitCode = 2
}
