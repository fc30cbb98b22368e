// The command line, and how much of everything a run measures.
import { parseArgs } from 'node:util'

/** How much is measured. Samples and times are for each row. */
export interface Effort {
  /** Base and row take turns, this often. */
  rounds: number
  roundSeconds: number
  /** Of a row whose accounts serve once: calls of a round. */
  roundCalls: number
  /** Of the turns at an unhurried pace. */
  pacedRounds: number
  pacedSeconds: number
  pacedCalls: number
  /** Calls by which round trips are counted. */
  countedCalls: number
  starts: number
  /** How long a row is called before it is measured, at most. */
  warmUpSeconds: number
  /** How long hot accounts are called before they are measured: their leases grow with their rate. */
  hotWarmUpSeconds: number
  /** Until what is left of the leases has been given back, and counted. */
  settledMs: number
  /** Whether the run waits until a killed process's lease has run out. */
  waitsForLeases: boolean
}

const FULL: Effort = {
  rounds: 10,
  roundSeconds: 0.5,
  roundCalls: 500,
  pacedRounds: 5,
  pacedSeconds: 1,
  pacedCalls: 200,
  countedCalls: 100,
  starts: 9,
  warmUpSeconds: 1,
  hotWarmUpSeconds: 3,
  settledMs: 1_500,
  waitsForLeases: true,
}

const QUICK: Effort = {
  rounds: 2,
  roundSeconds: 0.25,
  roundCalls: 40,
  pacedRounds: 1,
  pacedSeconds: 0.3,
  pacedCalls: 24,
  countedCalls: 4,
  starts: 2,
  warmUpSeconds: 0.3,
  hotWarmUpSeconds: 1,
  settledMs: 0,
  waitsForLeases: false,
}

/** What a run can be confined to. */
export const PARTS = [
  'paid',
  'app',
  'peers',
  'start-up',
  'overshoot',
  'redis',
  'cancellation',
  'datasets',
] as const
export type Part = (typeof PARTS)[number]

export interface Options {
  effort: Effort
  quick: boolean
  /** Where the figures go as one JSON object. */
  json: string | undefined
  parts: ReadonlySet<Part>
}

/** @throws TypeError for an option or a part that there is not */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      only: { type: 'string', multiple: true },
    },
  })
  const { quick, json, only } = values
  const parts = new Set((only ?? PARTS).map(partOf))
  return { effort: quick ? QUICK : FULL, quick, json, parts }
}

function partOf(name: string): Part {
  const part = PARTS.find((one) => one === name)
  if (part === undefined) throw new TypeError(`No part ${name}: there are ${PARTS.join(', ')}`)
  return part
}
