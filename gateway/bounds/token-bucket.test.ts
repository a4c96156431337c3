import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createTokenBucket } from './token-bucket.ts'

const pauses = fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 200 })

it('never gives more than the burst and what the time allows, and says when the next one is there', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 20 }), pauses, (requestsPerSecond, burst, waits) => {
      let nowMs = 0
      let taken = 0
      const bucket = createTokenBucket({ requestsPerSecond, burst, tick: () => nowMs })
      for (const waitMs of waits) {
        nowMs += waitMs
        const waitSeconds = bucket.take()
        if (waitSeconds === 0) taken++
        expect(taken).toBeLessThanOrEqual(burst + (nowMs / 1000) * requestsPerSecond + 1e-6)
        if (waitSeconds === 0) continue
        nowMs += waitSeconds * 1000 + 1e-6
        expect(bucket.take()).toBe(0)
        taken++
      }
    }),
  )
})
