import { defineConfig } from 'vitest/config'

const integration = ['**/*.integration.test.ts', 'test/**/*.e2e.test.ts']
const never = ['**/node_modules/**', '**/.hindsight/**']

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'unit', include: ['**/*.test.ts'], exclude: [...never, ...integration], testTimeout: 10_000 } },
      {
        extends: true,
        test: {
          name: 'integration',
          include: integration,
          exclude: never,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          teardownTimeout: 10_000,
        },
      },
    ],
  },
})
