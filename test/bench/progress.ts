// How far the run is: beside the table, not in it.

const started = performance.now()

export const secondsSoFar = (): number => (performance.now() - started) / 1000

export function say(what: string): void {
  console.error(`${secondsSoFar().toFixed(1).padStart(6)} s  ${what}`)
}
