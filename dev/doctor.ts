// `npm run doctor`: checks a configuration against the live services that it names, item by item.
import { parseArgs } from 'node:util'
import { UsageError } from './command-errors.ts'
import { type CommandVars, readCommandVars } from './command-vars.ts'
import { examine } from './doctor/examine.ts'
import { type Finding, hiderOf, type Level, lineOf } from './doctor/finding.ts'
import { patientOf } from './doctor/patient.ts'

const USAGE = `Usage: npm run doctor -- [options]

Checks a configuration against the live services that it names: one line an item, with what to do beside what is wrong.
A variable comes from the environment, else from the file, else from the local stack that runs in this folder.

  --vars FILE   the file with the variables (default .dev.vars)
  --url URL     where the deployed Worker answers: Stripe must have a webhook endpoint for it
  --help        this

Exit status: 0 nothing failed (warnings may stand), 1 something did, 2 wrong usage.`

/** What was asked for; null for help. @throws UsageError */
function asked(): { read: CommandVars; workerUrl: URL | undefined } | null {
  try {
    const { values } = parseArgs({
      options: {
        vars: { type: 'string' },
        url: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) return null
    const workerUrl = values.url === undefined ? undefined : workerUrlOf(values.url)
    return { read: readCommandVars(values.vars), workerUrl }
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function workerUrlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && /^https?:$/.test(url.protocol)) return url
  throw new Error('--url must be a URL like https://worker.example.com')
}

function summaryOf(findings: Finding[]): string {
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length
  const skipped = count('skip') > 0 ? `, ${count('skip')} not checked` : ''
  const warnings = `${count('warn')} ${count('warn') === 1 ? 'warning' : 'warnings'}`
  return `${count('ok')} ok, ${warnings}, ${count('fail')} failed${skipped}`
}

async function main(): Promise<void> {
  try {
    const request = asked()
    if (!request) return console.log(USAGE)
    const { read, workerUrl } = request
    const findings = await examine(patientOf(read, { workerUrl }))
    const hide = hiderOf(read.vars)
    for (const finding of findings) console.log(lineOf(finding, hide))
    console.log(`\n${summaryOf(findings)}`)
    if (findings.some(({ level }) => level === 'fail')) process.exitCode = 1
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${USAGE}`)
    process.exitCode = 2
  }
}

await main()
