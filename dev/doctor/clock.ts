// This machine's clock against a service's: Stripe's signatures are refused when they are older than 300 s.
import type { Finding } from './finding.ts'

const WARN_MS = 30_000
const FAIL_MS = 240_000

/** A service's time, read between two moments of this machine. All in unix milliseconds. */
export interface ClockReading {
  theirs: number
  before: number
  after: number
}

/** By the Date header, which has whole seconds; undefined where there is none. */
export function readingOf(headers: Headers, before: number, after: number) {
  const at = Date.parse(headers.get('Date') ?? '')
  return Number.isNaN(at) ? undefined : { theirs: at + 500, before, after }
}

export function checkClock(service: string, reading: ClockReading | undefined): Finding[] {
  if (!reading) return []
  const { theirs, before, after } = reading
  const aheadMs = (before + after) / 2 - theirs
  const offMs = Math.max(0, Math.abs(aheadMs) - (after - before) / 2)
  const item = `Clock against ${service}`
  if (offMs <= WARN_MS) return [{ level: 'ok', item, says: `${seconds(offMs)} apart at most` }]
  const where = aheadMs > 0 ? 'ahead of' : 'behind'
  return [
    {
      level: offMs > FAIL_MS ? 'fail' : 'warn',
      item,
      says: `this machine is ${seconds(offMs)} ${where} ${service}: signatures older than 300 s are refused`,
      todo: 'set the clock (NTP: timedatectl set-ntp true)',
    },
  ]
}

const seconds = (milliseconds: number) => `${Math.round(milliseconds / 1000)} s`
