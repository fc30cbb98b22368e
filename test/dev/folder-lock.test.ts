// Whose a folder is, where processes end without anybody to collect them.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { lockFolder } from '../../dev/folder-lock.ts'

// Elsewhere the first process collects what others leave.
if (existsSync('/proc/self/stat')) {
  test('a folder is taken over from a process that was killed and never collected', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-lock-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    // cat collects nobody; once it speaks, it stands in the place of the shell, which would.
    const parent = spawn('sh', ['-c', 'sleep 600 & echo $!; exec cat'])
    onTestFinished(() => void parent.stdin.end())
    const heard = async () => String((await once(parent.stdout, 'data'))[0]).trim()
    const zombie = await heard()
    parent.stdin.write('cat\n')
    await heard()
    process.kill(Number(zombie), 'SIGKILL')
    await vi.waitFor(() => expect(readFileSync(`/proc/${zombie}/stat`, 'utf8')).toContain(') Z '))
    const data = join(folder, 'data')
    writeFileSync(`${data}.lock`, `${zombie}\n`)
    const unlock = lockFolder(data, 'the stack')
    expect(readFileSync(`${data}.lock`, 'utf8')).toBe(`${process.pid}\n`)
    unlock()
  })
}
