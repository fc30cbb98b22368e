// Reading a data set of molecules back, the way its consumers do.
import type { Format } from '../../../src/datasets/dataset-type.ts'
import { novelMolecules } from '../../../src/datasets/molecules/novel-molecules.ts'
import { type MoleculeParams, moleculeParams } from '../../../src/datasets/molecules/params.ts'
import type { MoleculeRow } from '../../../src/datasets/molecules/write-molecules.ts'
import { pieceText } from '../read.ts'

export const END = {
  rows: 3,
  reactions: 2,
  seed: 7,
  algorithm: 'rule-expansion-1',
  sha256: 'ab'.repeat(32),
}

type Input = Partial<MoleculeParams>

export function settled(input: Input): MoleculeParams & { seed: number } {
  const params = moleculeParams.parse(input)
  return { ...params, seed: params.seed ?? 7 }
}

export function text(input: Input = {}, format: Format = 'ndjson', sample = false): string {
  const { pieces, closing } = novelMolecules.write(settled(input), format, sample)
  const all = [...pieces].map(pieceText).join('')
  return all + closing(sample ? { ...END, sample: true } : END)
}

/** The rows of NDJSON. */
export function rows(input: Input = {}): MoleculeRow[] {
  const lines = text(input).trimEnd().split('\n')
  return lines.slice(0, -1).map((line) => JSON.parse(line) as MoleculeRow)
}

/** Counts of a formula's elements: `C2H5NO2`. */
export function elements(formula: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const [, element = '', count] of formula.matchAll(/([A-Z])(\d*)/g)) {
    counts.set(element, (counts.get(element) ?? 0) + Number(count || 1))
  }
  return counts
}
