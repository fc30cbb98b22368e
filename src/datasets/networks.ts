// The network behind each scenario.
import { alkalineHydrothermal } from './networks/alkaline-hydrothermal.ts'
import { formamide } from './networks/formamide.ts'
import { millerUrey } from './networks/miller-urey.ts'
import type { Scenario } from './params.ts'
import type { Network } from './reaction-network.ts'

const NETWORKS: Readonly<Record<Scenario, Network>> = {
  miller_urey: millerUrey,
  formamide,
  alkaline_hydrothermal: alkalineHydrothermal,
}

export function networkOf(scenario: Scenario): Network {
  return NETWORKS[scenario]
}
