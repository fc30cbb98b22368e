// Writing variables to a file of the form of .dev.vars, and leaving all else in it as it is.
import {
  existsSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'

/** `text` with each variable on its line, or on a new one at the end. Comments and other lines stay. */
export function withVars(text: string, values: Readonly<Record<string, string>>): string {
  const end = text.includes('\r\n') ? '\r\n' : '\n'
  const lines = text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/)
  for (const [name, value] of Object.entries(values)) {
    const sets = (line: string) => /^\s*(?:export\s+)?([\w.-]+)\s*=/.exec(line)?.[1] === name
    const place = lines.findIndex(sets)
    const line = `${name}=${value}`
    if (place < 0) {
      lines.push(line)
      continue
    }
    lines[place] = line
    // A second line of the name would win over the first.
    for (let index = lines.length - 1; index > place; index -= 1) {
      if (sets(lines[index] ?? '')) lines.splice(index, 1)
    }
  }
  return lines.join(end) + end
}

/**
 * Writes the variables, whole or not at all: to a file beside it, which takes its place.
 * @returns false when the file holds them already
 */
export function writeVars(file: string, values: Readonly<Record<string, string>>): boolean {
  const exists = existsSync(file)
  const target = exists ? realpathSync(file) : file
  const before = exists ? readFileSync(target, 'utf8') : ''
  const after = withVars(before, values)
  if (after === before) return false
  // Secrets: for nobody else. A file that exists keeps the rights that it has.
  const mode = exists ? statSync(target).mode & 0o777 : 0o600
  const temporary = `${target}.${process.pid}.tmp`
  try {
    writeFileSync(temporary, after, { mode, flag: 'wx' })
    renameSync(temporary, target)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  return true
}
