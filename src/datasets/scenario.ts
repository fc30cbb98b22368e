// The chemistries that data sets are made of, and the reaction network of each.
import { alkalineHydrothermal } from './networks/alkaline-hydrothermal.ts'
import { formamide } from './networks/formamide.ts'
import { millerUrey } from './networks/miller-urey.ts'
import type { Network } from './reaction-network.ts'

export const SCENARIOS = ['miller_urey', 'formamide', 'alkaline_hydrothermal'] as const
export type Scenario = (typeof SCENARIOS)[number]

export const NETWORKS: Readonly<Record<Scenario, Network>> = {
  miller_urey: millerUrey,
  formamide,
  alkaline_hydrothermal: alkalineHydrothermal,
}

export function networkOf(scenario: Scenario): Network {
  return NETWORKS[scenario]
}
