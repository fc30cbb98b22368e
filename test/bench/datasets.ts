// Large data sets through the Worker: reactions a second against the same generator in plain Node, the time to the
// first byte, and the memory of a million rows.
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { start } from './children.ts'
import type { NodeAnswer } from './datasets-node.ts'
import { type Download, download } from './download.ts'
import { UnexpectedAnswer } from './load.ts'
import { cpuOf } from './measure.ts'
import { benchCall, request } from './request.ts'
import { type Setting, withWorkerd } from './setting.ts'
import { median } from './statistics.ts'
import type { Workerd } from './workerd.ts'

export interface DatasetsResult {
  /** Medians of the rounds. In both the whole data set is made, written and read. */
  workerPerSecond: number
  nodePerSecond: number
  ratio: number
  /** CPU time a reaction, of all of each process's threads. */
  workerCpuMicros: number
  nodeCpuMicros: number
  /** To the first byte of the body: of a large data set, and of the bare route. */
  firstByteMs: number
  bareFirstByteMs: number
  /** Of workerd's resident memory, while a million rows are sent; null where the system does not tell. */
  peakAboveIdleBytes: number | null
  /** Of that answer. */
  rows: number
  bytes: number
}

/** Of one round; and what an account's quota pays for once. */
const ROUND = { runs: 10, max_reactions: 20_000 }
const MILLION = { runs: 10, max_reactions: 100_000 }
const FIRST_BYTES = 15

export async function datasets(setting: Setting): Promise<DatasetsResult> {
  const { bundles, vars } = setting
  return withWorkerd(bundles.app, vars, async (worker) => {
    // Before anything else has grown its heap.
    const memory = await memoryOfMillion(setting, worker)
    return { ...memory, ...(await firstByte(setting, worker)), ...(await pace(setting, worker)) }
  })
}

/** Worker and Node in turns, the same request each time. */
async function pace(setting: Setting, worker: Workerd) {
  const node = startNode()
  const rounds: { ratio: number; worker: Pace; node: Pace }[] = []
  try {
    await node.generate(generateBody(ROUND))
    await generateOnce(setting, worker, ROUND)
    for (let round = 0; round < setting.effort.rounds; round += 1) {
      const there = await node.generate(generateBody(ROUND))
      const cpu = cpuOf(worker.pid)
      const { ms, end } = await generateOnce(setting, worker, ROUND)
      const here = {
        reactions: rowsOf(end),
        seconds: ms / 1000,
        cpuMicros: cpuOf(worker.pid) - cpu,
      }
      if (here.reactions !== there.reactions) throw new Error('Two different data sets')
      const [inWorker, inNode] = [paceOf(here), paceOf(there)]
      rounds.push({ ratio: inWorker.rate / inNode.rate, worker: inWorker, node: inNode })
    }
  } finally {
    await node.close()
  }
  return {
    workerPerSecond: median(rounds.map((round) => round.worker.rate)),
    nodePerSecond: median(rounds.map((round) => round.node.rate)),
    ratio: median(rounds.map(({ ratio }) => ratio)),
    workerCpuMicros: median(rounds.map((round) => round.worker.cpuMicros)),
    nodeCpuMicros: median(rounds.map((round) => round.node.cpuMicros)),
  }
}

interface Pace {
  /** Reactions a second. */
  rate: number
  /** A reaction. */
  cpuMicros: number
}

function paceOf({ reactions, seconds, cpuMicros }: NodeAnswer): Pace {
  return { rate: reactions / seconds, cpuMicros: cpuMicros / reactions }
}

function startNode() {
  const child = start(process.execPath, ['test/bench/datasets-node.ts'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(child.process.stdout as Readable)
  return {
    generate: (body: string) =>
      new Promise<NodeAnswer>((resolve, reject) => {
        lines.once('line', (line) => resolve(JSON.parse(line)))
        child.ended.then((end) => reject(new Error(`The generator in Node ended with ${end}`)))
        child.process.stdin?.write(`${body}\n`)
      }),
    close: () => child.end(),
  }
}

/** In turns with the bare route, each on a connection of its own. */
async function firstByte({ accounts, bare }: Setting, { port }: Workerd) {
  const [account] = await accounts.create(1)
  const call = generateCall(account?.key ?? '', { ...MILLION, runs: 1, max_reactions: 10_000 })
  const ours: number[] = []
  const others: number[] = []
  for (let i = 0; i < FIRST_BYTES; i += 1) {
    others.push((await download(bare.port, benchCall())).firstByteMs)
    ours.push((await whole(port, call)).firstByteMs)
  }
  return { firstByteMs: median(ours.slice(1)), bareFirstByteMs: median(others.slice(1)) }
}

async function memoryOfMillion(setting: Setting, worker: Workerd) {
  // What a small answer needs stays: the code, the clients, the connections.
  await generateOnce(setting, worker, { runs: 1, max_reactions: 1_000 })
  const idle = statusBytes(worker.pid, 'VmRSS')
  resetPeak(worker.pid)
  const { bytes, end } = await generateOnce(setting, worker, MILLION)
  const peak = statusBytes(worker.pid, 'VmHWM')
  const peakAboveIdleBytes = idle === null || peak === null ? null : peak - idle
  return { peakAboveIdleBytes, rows: rowsOf(end), bytes }
}

/** One data set for an account that has its whole quota. */
async function generateOnce({ accounts }: Setting, { port }: Workerd, size: typeof ROUND) {
  const [account] = await accounts.create(1)
  return whole(port, generateCall(account?.key ?? '', size))
}

async function whole(port: number, call: Buffer): Promise<Download> {
  const answer = await download(port, call)
  if (answer.status === 200 && answer.end.startsWith('{"end":true')) return answer
  throw new UnexpectedAnswer(`A data set was answered ${answer.status}, and ended ${answer.end}`)
}

/** Formamide at 433 K goes on for longer than any of these. */
function generateBody({ runs, max_reactions }: typeof ROUND): string {
  const params = { runs, max_reactions, scenario: 'formamide', temperature_kelvin: 433, seed: 1 }
  return JSON.stringify({ dataset_type: 'reaction_trajectories', params, format: 'ndjson' })
}

function generateCall(key: string, size: typeof ROUND): Buffer {
  return request('/api/v1/datasets/generate', {
    method: 'POST',
    headers: { 'X-API-Key': key, 'Content-Type': 'application/json' },
    body: generateBody(size),
  })
}

const rowsOf = (end: string): number => JSON.parse(end).rows

/** A figure of the kernel's status of a process. */
function statusBytes(pid: number, name: 'VmRSS' | 'VmHWM'): number | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
    return kilobytes === undefined ? null : Number(kilobytes) * 1024
  } catch {
    return null
  }
}

/** The peak is from now on; where the system does not let us it is that since the start. */
function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
  } catch {
    // Then the figure can only be too high.
  }
}
