// One process per data folder: two engines on the same files destroy them.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/** A folder that another process works in. `message` names the process and the folder. */
export class FolderLockedError extends Error {
  override name = 'FolderLockedError'
}

const heldHere = new Set<string>()

/**
 * Locks `folder` with a file beside it (`folder.lock`, the process id inside). A lock whose process
 * is gone is taken over.
 * @returns what unlocks it
 * @throws FolderLockedError
 */
export function lockFolder(folder: string, what: string): () => void {
  const lock = `${folder}.lock`
  while (!created(lock)) {
    const owner = ownerOf(lock)
    if (owner === undefined) continue
    if (heldHere.has(lock) || (owner !== process.pid && isAlive(owner))) {
      throw new FolderLockedError(
        `${folder} is in use by ${what} of process ${owner}. End that process or choose another folder. If no such process of this project runs, delete ${lock}.`,
      )
    }
    takeAway(lock, owner)
  }
  heldHere.add(lock)
  return () => {
    if (heldHere.delete(lock)) rmSync(lock, { force: true })
  }
}

function created(lock: string): boolean {
  try {
    writeFileSync(lock, `${process.pid}\n`, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** The process id in the lock, 0 when it holds none, undefined when the lock has just gone. */
function ownerOf(lock: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(lock, 'utf8'), 10) || 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function isAlive(pid: number): boolean {
  if (pid <= 0) return false
  try {
    process.kill(pid, 0)
    return !isZombie(pid)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A process that has ended and holds nothing, but was never collected: in a container there may be nobody to do it. */
function isZombie(pid: number): boolean {
  try {
    return /\) [ZX] [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    // No Linux, or gone meanwhile.
    return false
  }
}

/**
 * Removes a stale lock by renaming it first, which only one process can do, and looks at what it got:
 * if a rival has already replaced the stale lock by its own, that one is put back.
 */
function takeAway(lock: string, staleOwner: number): void {
  const aside = `${lock}.${process.pid}`
  try {
    renameSync(lock, aside)
    if (ownerOf(aside) !== staleOwner) linkSync(aside, lock)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  } finally {
    rmSync(aside, { force: true })
  }
}
