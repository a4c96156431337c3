import { expect, it } from 'vitest'
import { createFaultLog } from './fault-log.ts'

it('logs one fault once a second with how often it was repeated, and another at once', () => {
  const lines: unknown[] = []
  const logger = { error: (fields: object, message: string) => void lines.push({ ...fields, message }) }
  let nowMs = 0
  const tell = createFaultLog<'error'>(logger as never, 'a shadow failed', { level: 'error', now: () => nowMs })
  const full = new Error('the disk is full')
  tell(full)
  nowMs = 999
  tell(full)
  tell(new Error('the disk is gone'))
  tell(full)
  nowMs = 1000
  tell(full)
  expect(lines).toEqual([
    { err: full, message: 'a shadow failed' },
    { err: new Error('the disk is gone'), message: 'a shadow failed' },
    { err: full, repeated: 2, message: 'a shadow failed' },
  ])
})
