// Where the stack that keeps its data tells the other commands what it serves: .stack/stack.json, while it runs.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StackInfo } from './stack-info.ts'

const fileIn = (folder: string) => join(folder, 'stack.json')

/** @returns takes it back */
export function announce(folder: string, info: StackInfo): () => Promise<void> {
  const file = fileIn(folder)
  writeFileSync(file, `${JSON.stringify(info, null, 2)}\n`, { mode: 0o600 })
  return async () => rmSync(file, { force: true })
}

/** What the stack of `folder` serves; undefined when none runs. One that was killed leaves its last word behind. */
export function announcedIn(folder: string): StackInfo | undefined {
  const file = fileIn(folder)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as StackInfo) : undefined
}
