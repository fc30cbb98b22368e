// What stands between the network and an app of the stack: nothing, or what tests and benchmarks need.
import { withFaults } from './faults.ts'
import { withLatency } from './latency.ts'
import { type CommandsOf, withMeter } from './meter.ts'
import type { FetchApp } from './serve.ts'

export type Edge = (app: FetchApp, commandsOf?: CommandsOf) => FetchApp

export const bareEdge: Edge = (app) => app

/** What a fault answers travels as far as an answer of the app, which has done nothing for it. */
export const testEdge: Edge = (app, commandsOf) =>
  withLatency(withFaults(withMeter(app, commandsOf)))
