import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const integration = ['**/*.integration.test.ts']
const endToEnd = ['test/**/*.e2e.test.ts']
const never = ['**/node_modules/**', '**/.hindsight/**']

const withServers = { globalSetup: ['test/testing/install-servers.ts'] }

// Tests judge what was decided, never how soon: slow is not broken, on a machine that does other things too.
const waits = (ms: number) => ({ testTimeout: 3 * ms, expect: { poll: { timeout: ms } } })
const patient = { ...waits(60_000), hookTimeout: 180_000, teardownTimeout: 10_000 }

// Most of an integration test is waiting: for a process to start, a batch to be due, a server to come back.
const cores = Math.min(4, availableParallelism())

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: cores,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...never, ...integration, ...endToEnd],
          ...waits(40_000),
          // Loading each file's imports afresh would take longer than the tests do; unit tests leave nothing behind.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: integration,
          exclude: never,
          ...patient,
          ...withServers,
          maxWorkers: 2 * cores,
          sequence: { groupOrder: 1 },
        },
      },
      // Each starts a whole system of six processes: one at a time, when nothing else runs.
      {
        extends: true,
        test: { name: 'e2e', include: endToEnd, exclude: never, ...patient, ...withServers, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
    ],
  },
})
