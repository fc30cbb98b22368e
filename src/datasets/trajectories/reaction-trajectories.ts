// The data set reaction_trajectories: what it is, and how it is written.
import type { Column, DatasetType, Format, Writing } from '../dataset-type.ts'
import type { RowBytes } from '../row-bytes.ts'
import { NETWORKS, networkOf } from '../scenario.ts'
import { csvField, writeTable } from '../table.ts'
import { ALGORITHM } from './gillespie.ts'
import {
  LIMITS,
  reserved,
  type SeededParams,
  type TrajectoryParams,
  trajectoryParams,
} from './params.ts'
import { type Firing, reactionCells, trajectories } from './rows.ts'

const UTF8 = new TextEncoder()

const COLUMNS: readonly Column[] = [
  { name: 'run_id', type: 'integer', description: 'The run, from 0' },
  { name: 'step', type: 'integer', description: 'The reaction’s number within its run, from 1' },
  { name: 'time', type: 'number', unit: 's', description: 'Since the run’s start' },
  { name: 'reaction_id', type: 'string', description: 'The reaction of the network that fired' },
  { name: 'reactants', type: 'string', description: 'As in an equation: HCN + 3 H2' },
  { name: 'products', type: 'string', description: 'As in an equation' },
  { name: 'reaction_type', type: 'string', description: 'Its kind: addition, hydrolysis, …' },
  { name: 'temperature', type: 'number', unit: 'K', description: 'Of the whole run' },
  { name: 'scenario', type: 'string', description: 'The network' },
]

export const reactionTrajectories: DatasetType<TrajectoryParams> = {
  algorithm: ALGORITHM,
  formats: ['ndjson', 'json', 'csv'],
  params: trajectoryParams,
  parameters: {
    runs: 'Simulations, each from the start. runs x max_reactions must not exceed 1,000,000',
    max_reactions: 'Of each run; it ends earlier where nothing can react',
    temperature_kelvin: 'K. Left out, that of the scenario’s experiments: see networks',
    max_time_seconds: 's of simulated time, of each run: no reaction later than it is in',
    seed: 'The same request with the same seed gives the same bytes. Left out, we choose one and say it',
    scenario: 'The network',
  },
  limits: LIMITS,
  sample: {
    runs: 2,
    max_reactions: 5,
    temperature_kelvin: 298.15,
    max_time_seconds: 1e12,
    seed: 1,
    scenario: 'miller_urey',
  },
  records: { row: COLUMNS },
  card: {
    title: 'Reaction trajectories',
    summary:
      'Every reaction that fires, and when, in exact stochastic simulations of a small well-mixed prebiotic chemistry.',
    method: [
      'Each scenario is a network of elementary mass-action steps with Arrhenius rates: see networks. Prefactors are in mol, L and s to the order of the reaction.',
      'Gillespie’s direct method (1977) draws when the next reaction fires and which, from the molecule counts as they are; two random numbers a reaction.',
      'Random numbers: xoshiro128** from the seed and the run’s number, so that runs are independent and a request with more runs begins with the runs of a smaller one.',
    ],
    limitations: [
      'Rates are illustrative: energies from the literature, prefactors chosen so that all branches are seen. Do not read absolute times off them.',
      'Well mixed, one temperature, no transport, no catalysis by surfaces but what the effective rates fold in.',
      'A run ends at max_reactions, at max_time_seconds or when nothing can react: compare runs at equal times, not at equal steps.',
    ],
    citations: [
      'D. T. Gillespie, J. Phys. Chem. 81, 2340 (1977)',
      'Of each network: networks.sources',
    ],
  },
  networks: NETWORKS,
  reserved,
  fileName: ({ scenario }) => scenario,
  write: writeTrajectories,
}

function writeTrajectories(given: SeededParams, format: Format, sample?: boolean): Writing {
  const params = inOrder(given)
  const network = networkOf(params.scenario)
  const cells = reactionCells(network, params)
  // The constant cells are made into text once per reaction, not once per row.
  const json = cells.map((each) => UTF8.encode(`,${JSON.stringify(each).slice(1)}`))
  const csv = cells.map((each) => UTF8.encode(`,${Object.values(each).map(csvField).join(',')}`))
  return writeTable(format, {
    head: { ...(sample && { sample }), dataset_type: 'reaction_trajectories', params },
    columns: COLUMNS.map(({ name }) => name),
    rows: trajectories(network, params),
    json: rowOf(['{"run_id":', ',"step":', ',"time":'], json),
    csv: rowOf(['', ',', ','], csv),
  })
}

/** A row's numbers, each after its own text, and then its reaction's text. */
function rowOf(before: readonly [string, string, string], rest: readonly Uint8Array[]) {
  const [run, step, time] = before.map((each) => UTF8.encode(each)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  return (firing: Firing, to: RowBytes): void => {
    to.utf8(run)
    to.count(firing.runId)
    to.utf8(step)
    to.count(firing.step)
    to.utf8(time)
    to.number(firing.time)
    to.utf8(rest[firing.reaction] as Uint8Array)
  }
}

/** In the schema's order whoever named the seed: JSON shows them, and its bytes must be the same. */
function inOrder({
  runs,
  max_reactions,
  temperature_kelvin,
  max_time_seconds,
  seed,
  scenario,
}: SeededParams): SeededParams {
  return {
    runs,
    max_reactions,
    temperature_kelvin,
    max_time_seconds,
    seed,
    scenario,
  }
}
