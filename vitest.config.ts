// Two projects: the stack's own protocols in Node, the Worker inside workerd. One stack serves both.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'stack', include: ['test/dev/**/*.test.ts'], environment: 'node' } },
    ],
  },
})
