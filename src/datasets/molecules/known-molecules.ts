// What novelty is measured against, beside the food set: small molecules that experiments on the origin of life,
// or the Murchison meteorite, are known for.
// Miller (1953), Science 117:528-529; Johnson et al. (2008), Science 322:404; Saladino et al. (2012), Phys. Life
// Rev. 9:84-104; Preiner et al. (2020), Nat. Ecol. Evol. 4:534-542; Pizzarello & Shock (2010), Cold Spring Harb.
// Perspect. Biol. 2:a002105.

/** SMILES: amino acids; acids; aldehydes, alcohols, amines, thiols; nitriles, amides; rings. */
export const KNOWN_MOLECULES =
  'NCC(=O)O CC(N)C(=O)O NCCC(=O)O OCC(N)C(=O)O NC(CC(=O)O)C(=O)O NC(CCC(=O)O)C(=O)O CC(C)C(N)C(=O)O CNCC(=O)O CC(C)(N)C(=O)O NCCCC(=O)O ' +
  'OC=O CC(=O)O CCC(=O)O OCC(=O)O CC(O)C(=O)O CC(=O)C(=O)O OC(=O)C(=O)O OC(=O)CC(=O)O OC(=O)CCC(=O)O OC(=O)C=CC(=O)O OC(CC(=O)O)C(=O)O ' +
  'C=O CC=O OCC=O OCC(O)C=O CO CCO CN CS ' +
  'C#N C#CC#N NC#N OCC#N NCC#N NC(C#N)C#N NC(C#N)=C(N)C#N NC=O NC=N NC(N)=O NC(N)=N NCC(N)=O CC(N)=O ' +
  'NC1=C(C#N)N=CN1 NC1=NC=NC2=C1N=CN2 O=C1NC=NC2=C1N=CN2 NC1=NC2=C(N=CN2)C(=O)N1 NC1=NC(=O)NC=C1 O=C1NC(=O)NC=C1 O=C1CNC(=O)N1 O=C1CNC(=O)CN1'
