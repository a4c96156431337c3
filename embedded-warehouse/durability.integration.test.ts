import { expect, test } from 'vitest'
import { runKillRounds } from './testing/kill-rounds-chdb.ts'
import { casesOf } from '../test/testing/full-run.ts'

const rounds = casesOf({ few: 2, all: 10 })

test('what was confirmed before a kill -9 is there after it', async () => {
  const report = await runKillRounds(rounds)
  expect(report.rounds).toBe(rounds)
  expect(report.confirmedBatches).toBeGreaterThan(0)
  expect(report.missingBatches).toEqual([])
})
