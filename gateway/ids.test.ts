import { expect, it } from 'vitest'
import { createIdFactory } from './ids.ts'
import { uuidV7TimeMs } from './routes/predictions.ts'

it('mints distinct UUIDv7s of this moment', () => {
  const newId = createIdFactory()
  const startedAtMs = Date.now()
  const ids = Array.from({ length: 10_000 }, newId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(uuidV7TimeMs(ids[0]!)).toBeGreaterThanOrEqual(startedAtMs)
  expect(uuidV7TimeMs(ids.at(-1)!)).toBeLessThanOrEqual(Date.now())
})
