import { expect, test } from 'vitest'
import { runKillRounds } from './testing/kill-rounds-chdb.ts'

test('what was confirmed before a kill -9 is there after it', async () => {
  const report = await runKillRounds(4)
  expect(report.rounds).toBe(4)
  expect(report.confirmedBatches).toBeGreaterThan(0)
  expect(report.missingBatches).toEqual([])
})
