import { expect, it } from 'vitest'
import { parseProcessorTimeUs, processorTimeUs } from './processor-time.ts'

it('adds user and system time, whatever the program is called', () => {
  const stat = '71 (no (de) 1) S 1 71 71 0 -1 4194304 5154 1 2 3 412 38 7 9 20 0 11 0 5142 1234 99 18446744073709551615'
  expect(parseProcessorTimeUs(stat)).toBe(4_500_000)
})

it.runIf(process.platform === 'linux')('says of this process what Node.js says', () => {
  const { user, system } = process.cpuUsage()
  expect(Math.abs(processorTimeUs(process.pid) - user - system)).toBeLessThan(100_000)
})
