// Which atoms a rule means: each class has a letter in the rules' patterns and a bit in a mask.
import { aromatic } from './kekule.ts'
import { C, H, hydrogens, type Molecule, N, O, Q, S } from './molecule.ts'

/**
 * Classes by letter. `C N O`: any atom of the element. Carbon:
 * `Q` of CO; `K` of an aldehyde or ketone; `F` of formaldehyde; `A` acyl (acid, ester, amide, ...);
 * `B` of an amide or urea; `g` of formic acid; `D` between two double bonds (CO2, HNCO); `I` imine;
 * `M` amidine; `X` nitrile; `J` of HCN; `p` = K, A or X; `e` saturated, with hydrogen, beside K;
 * `h` the same beside K, A or X; `v` in C=C, not aromatic; `r` such without N, O or S on it; `y` an alkyne's end; `m` methane.
 * Nitrogen: `n` amine or ammonia, nucleophilic, with hydrogen; `a` bonded to one carbon alone; `z` ammonia.
 * Oxygen: `w` water; `o` alcohol; `x` acid hydroxyl.
 * Sulfur: `s` thiol or H2S; `t` H2S; `u` beside acyl. `H`: molecular hydrogen.
 */
export const CLASSES = 'CNOQKFABgDIMXJpehvrymnazwoxstuH'

const BIT = Object.fromEntries([...CLASSES].map((letter, i) => [letter, 1 << i])) as Readonly<
  Record<string, number>
>

/** The bits of some classes. @throws Error for an unknown letter. */
export function classBits(letters: string): number {
  return [...letters].reduce((mask, letter) => {
    const bit = BIT[letter]
    if (bit === undefined) throw new Error(`Unknown class of atom: ${letter}`)
    return mask | bit
  }, 0)
}

/** By atom: the bits of its classes. */
export function atomClasses(molecule: Molecule): number[] {
  const { kinds, neighbours, orders } = molecule
  const rings = aromatic(molecule)
  const classes = kinds.map(() => 0)
  const atoms = [...kinds.keys()]
  const set = (atom: number, letters: string) => {
    classes[atom] = (classes[atom] ?? 0) | classBits(letters)
  }
  const is = (atom: number, letters: string) => ((classes[atom] ?? 0) & classBits(letters)) !== 0
  const around = (atom: number, order: number, kindsWanted: readonly number[]) =>
    (neighbours[atom] ?? []).filter(
      (next, i) => orders[atom]?.[i] === order && kindsWanted.includes(kinds[next] ?? 0),
    )

  for (const atom of atoms) {
    const kind = kinds[atom]
    const degree = neighbours[atom]?.length ?? 0
    if (kind === Q) set(atom, 'Q')
    if (kind === H) set(atom, 'H')
    if (kind !== C) continue
    set(atom, 'C')
    if (degree === 0) set(atom, 'm')
    if (around(atom, 3, [N]).length > 0) set(atom, degree === 1 ? 'XJp' : 'Xp')
    if (around(atom, 3, [C]).length > 0 && degree === 1) set(atom, 'y')
    if (rings[atom]) continue
    const hasHydrogen = hydrogens(molecule, atom) > 0
    const oxo = around(atom, 2, [O]).length
    const imino = around(atom, 2, [N]).length
    const single = around(atom, 1, [N, O, S]).length
    if (around(atom, 2, [C, N, O, S]).length === 2) set(atom, 'D')
    else if (oxo === 1 && single === 0) set(atom, degree === 1 ? 'KFp' : 'Kp')
    else if (oxo === 1) {
      set(atom, around(atom, 1, [N]).length === single ? 'ABp' : 'Ap')
      if (hasHydrogen && around(atom, 1, [O]).some((o) => neighbours[o]?.length === 1))
        set(atom, 'g')
    } else if (imino === 1 && single === 0) set(atom, 'I')
    else if (imino === 1 && around(atom, 1, [N]).length === single) set(atom, 'M')
    else if (around(atom, 2, [C]).length === 1) set(atom, single === 0 ? 'vr' : 'v')
  }

  for (const atom of atoms) {
    const list = neighbours[atom] ?? []
    const isSaturated = orders[atom]?.every((order) => order === 1) ?? true
    const hasHydrogen = hydrogens(molecule, atom) > 0
    const [only] = list
    switch (kinds[atom]) {
      case C:
        if (!isSaturated || !hasHydrogen) break
        if (list.some((next) => is(next, 'K'))) set(atom, 'e')
        if (list.some((next) => is(next, 'p'))) set(atom, 'h')
        break
      case N: {
        set(atom, ['Nz', 'Na'][list.length] ?? 'N')
        // A lone pair shared with C=O, C=N or a six-membered aromatic ring does not attack.
        const isShared = list.some((next) => is(next, 'AMDX') || rings[next] === 6)
        if (isSaturated && hasHydrogen && !rings[atom] && !isShared) set(atom, 'n')
        break
      }
      case O:
        set(atom, 'O')
        if (only === undefined) set(atom, 'w')
        else if (list.length === 1 && isSaturated) {
          if (is(only, 'A')) set(atom, 'x')
          else if (orders[only]?.every((order) => order === 1)) set(atom, 'o')
        }
        break
      case S:
        if (only === undefined) set(atom, 't')
        if (!isSaturated) break
        if (list.some((next) => is(next, 'A'))) set(atom, 'u')
        else if (hasHydrogen) set(atom, 's')
        break
    }
  }
  return classes
}
