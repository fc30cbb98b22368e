// Two projects over one stack: the stack's own protocols in Node, the Worker inside workerd.
// `--mode services` puts a real Postgres and a real Redis under both.
import { join } from 'node:path'
import { cloudflareTest } from '@cloudflare/vitest-pool-workers'
import { defineConfig } from 'vitest/config'
import type { StackInfo } from './dev/stack-info.ts'

/** Hangs end after this time; nothing is measured by it. */
const limits = { testTimeout: 60_000, hookTimeout: 120_000 }

export default defineConfig(({ mode }) => {
  // The tests start a hundred commands of the same modules: each need not compile them again.
  process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/node-compile')
  if (mode === 'services') {
    process.env.LOCAL_POSTGRES_URL ??= 'postgres://postgres@127.0.0.1:5432/postgres'
    process.env.LOCAL_REDIS_URL ??= 'redis://127.0.0.1:6379'
  } else {
    // `npm test` needs no server of yours, and uses none.
    delete process.env.LOCAL_POSTGRES_URL
    delete process.env.LOCAL_REDIS_URL
  }
  return {
    test: {
      globalSetup: ['./test/global-setup.ts'],
      // No project extends this: each would evaluate it again, in a mode of its own.
      projects: [
        {
          test: {
            ...limits,
            name: 'stack',
            include: ['test/dev/**/*.test.ts', 'test/workerd/**/*.test.ts'],
            environment: 'node',
            // Loading anew what serves the stack takes longer than most files' tests.
            isolate: false,
          },
        },
        {
          // Vite warns of each source map of stripe's that names a file that stripe does not ship.
          logLevel: 'error' as const,
          plugins: [
            cloudflareTest(({ inject }) => ({
              wrangler: { configPath: './wrangler.toml' },
              miniflare: {
                bindings: {
                  ...inject<Record<string, string>>('vars'),
                  STACK: inject<StackInfo>('stack'),
                  // Not ORIGIN_URL: most tests are of a Worker that has no origin.
                  TEST_ORIGIN: inject<string>('originUrl'),
                  // How many lives test/billing/shuffler.test.ts shuffles, and which one it repeats.
                  SHUFFLER_LIVES: process.env.SHUFFLER_LIVES ?? '',
                  SHUFFLER_SEED: process.env.SHUFFLER_SEED ?? '',
                  SHUFFLER_PATH: process.env.SHUFFLER_PATH ?? '',
                  // How many requests test/security/fuzz.test.ts makes up, and which ones it repeats.
                  FUZZ_REQUESTS: process.env.FUZZ_REQUESTS ?? '',
                  FUZZ_SEED: process.env.FUZZ_SEED ?? '',
                  FUZZ_PATH: process.env.FUZZ_PATH ?? '',
                },
              },
            })),
          ],
          test: {
            ...limits,
            name: 'worker',
            // Importing the Worker anew for each file takes longer than most files' tests. They share its modules, as
            // requests share an isolate's; what they remember belongs to each test's own app.
            isolate: false,
            maxWorkers: 1,
            setupFiles: ['./test/support/watch-log.ts'],
            include: ['test/**/*.test.ts'],
            exclude: ['test/dev/**', 'test/workerd/**', 'test/bench/**'],
          },
        },
      ],
    },
  }
})
