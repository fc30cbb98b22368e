// All types of data sets that are sold, by the name that a request says.
import { autocatalysisNetwork } from './autocatalysis/autocatalysis-network.ts'
import type { DatasetType } from './dataset-type.ts'
import { novelMolecules } from './molecules/novel-molecules.ts'
import { reactionTrajectories } from './trajectories/reaction-trajectories.ts'

export const DATASET_TYPES = [
  'reaction_trajectories',
  'autocatalysis_network',
  'novel_molecules',
] as const
export type DatasetTypeName = (typeof DATASET_TYPES)[number]

const CATALOGUE: Readonly<Record<DatasetTypeName, unknown>> = {
  reaction_trajectories: reactionTrajectories,
  autocatalysis_network: autocatalysisNetwork,
  novel_molecules: novelMolecules,
}

/** Its parameters are whatever its own schema has made of a request: see request.ts. */
export function datasetTypeOf(name: DatasetTypeName): DatasetType {
  return CATALOGUE[name] as DatasetType
}
