// Types only: what a run measured. `--json` writes it as it stands.
import type { CancellationResult } from './cancellation.ts'
import type { HangingRedisResult } from './hanging-redis.ts'
import type { Row } from './measure.ts'
import type { KilledResult, OvershootResult } from './overshoot.ts'
import type { StartUpResult } from './start-up.ts'

export interface Results {
  /** What stood behind the stack's doors. */
  engines: string
  rows: Row[]
  bundle: { gzipBytes: number } & StartUpResult
  overshoot: OvershootResult & { killed: KilledResult }
  hangingRedis: HangingRedisResult
  cancellation: CancellationResult
}
