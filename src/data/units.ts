// Units of both kinds that a quota counts.

export interface Units {
  apiCalls: number
  reactions: number
}

export const NO_UNITS: Units = { apiCalls: 0, reactions: 0 }

export function plus(a: Units, b: Units): Units {
  return { apiCalls: a.apiCalls + b.apiCalls, reactions: a.reactions + b.reactions }
}

/** Whether `units` are within `limit`, both kinds. */
export function fits(units: Units, limit: Units): boolean {
  return units.apiCalls <= limit.apiCalls && units.reactions <= limit.reactions
}
