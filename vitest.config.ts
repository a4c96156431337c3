import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { isFullRun } from './test/testing/full-run.ts'

const integration = ['**/*.integration.test.ts']
const endToEnd = ['test/**/*.e2e.test.ts']
/** Whole files that `npm test` leaves out. */
const full = ['test/**/*.full.test.ts']
const never = ['**/node_modules/**', '**/.hindsight/**']

const withServers = { globalSetup: ['test/testing/install-servers.ts', 'test/testing/warehouse-template.ts'] }

// Time-outs are long, since tests judge what was decided and never how soon: slow is not broken, on a machine that does other things too.
const waits = (ms: number) => ({ testTimeout: 3 * ms, hookTimeout: 3 * ms, expect: { poll: { timeout: ms } } })
const patient = { ...waits(180_000), testTimeout: 600_000, teardownTimeout: 10_000, ...withServers, exclude: never }
// Tests of a project share processes: loading each file's imports afresh would take as long as many a test does, and tests leave nothing
// behind.
const together = { isolate: false }

// There are more workers than cores, since a test with real processes mostly waits: for one to start, a batch to be due, a server to come
// back.
const cores = Math.min(4, availableParallelism())
const inParallel = { ...patient, maxWorkers: 2 * cores + 1 }

// Some tests may take very long: many cases of a property are one test, and a whole system is asked at length.
const long = { testTimeout: 40 * 60_000 }

const projects = isFullRun
  ? [
      { name: 'more', include: filesWithMore(), ...inParallel, ...long, sequence: { groupOrder: 0 } },
      { name: 'full', include: full, ...patient, maxWorkers: 1, ...long, sequence: { groupOrder: 1 } },
    ]
  : [
      {
        name: 'unit',
        include: ['**/*.test.ts'],
        exclude: [...never, ...integration, ...endToEnd, ...full],
        ...waits(120_000),
        ...together,
        sequence: { groupOrder: 0 },
      },
      // Whole systems run among the others, so that what one waits for is another's time.
      { name: 'integration', include: integration, ...inParallel, ...together, sequence: { groupOrder: 1 } },
      { name: 'e2e', include: endToEnd, ...inParallel, ...together, sequence: { groupOrder: 1 } },
    ]

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: cores,
    projects: projects.map((test) => ({ extends: true, test })),
  },
})

/** The files that try more cases in the full run, with more versions of NATS or because they ask. */
function filesWithMore(): string[] {
  const folders = readdirSync('.', { withFileTypes: true }).filter((entry) => entry.isDirectory() && /^[a-z]/.test(entry.name))
  const files = folders.flatMap(({ name }) =>
    name === 'node_modules' ? [] : readdirSync(name, { recursive: true, encoding: 'utf8' }).map((file) => join(name, file)),
  )
  return files.filter((file) => file.endsWith('.test.ts') && /testing\/full-run\.ts|natsBinaries/.test(readFileSync(file, 'utf8')))
}
