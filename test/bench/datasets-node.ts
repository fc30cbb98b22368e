// The generator of the trajectories in plain Node: what workerd's pace is compared to. A line of standard input is a
// request's body; the answer is a line too, given when all of the data set has been read.
import { createInterface } from 'node:readline'
import { openDataset } from '../../src/datasets/open-dataset.ts'
import { datasetRequest } from '../../src/datasets/request.ts'

export interface NodeAnswer {
  reactions: number
  seconds: number
  cpuMicros: number
}

async function generated(body: string): Promise<NodeAnswer> {
  const started = performance.now()
  const cpu = process.cpuUsage()
  const { body: stream, spent } = openDataset(datasetRequest.parse(JSON.parse(body)), {
    format: 'ndjson',
    fallbackSeed: 1,
    settle: async () => undefined,
  })
  const reader = stream.getReader()
  while (!(await reader.read()).done);
  const { user, system } = process.cpuUsage(cpu)
  const seconds = (performance.now() - started) / 1000
  return { reactions: spent(), seconds, cpuMicros: user + system }
}

for await (const line of createInterface(process.stdin)) {
  console.log(JSON.stringify(await generated(line)))
}
