// Types only: what a run measured. `--json` writes it as it stands.
import type { CancellationResult } from './cancellation.ts'
import type { DatasetsResult } from './datasets.ts'
import type { HangingRedisResult } from './hanging-redis.ts'
import type { Row } from './measure.ts'
import type { KilledResult, OvershootResult } from './overshoot.ts'
import type { StartUpResult } from './start-up.ts'

/** What the run was not about is undefined. */
export interface Results {
  /** What stood behind the stack's doors. */
  engines: string
  rows: Row[]
  bundle: ({ gzipBytes: number } & StartUpResult) | undefined
  overshoot: (OvershootResult & { killed: KilledResult }) | undefined
  hangingRedis: HangingRedisResult | undefined
  cancellation: CancellationResult | undefined
  datasets: DatasetsResult | undefined
}
