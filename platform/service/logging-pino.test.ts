import { expect, test } from 'vitest'
import { createServiceLogger } from './logging-pino.ts'

test('a line is JSON with time, level, service and ids, and without values', () => {
  const { logger, lines } = collect()
  logger.info({ prediction_id: 'p1', features: { distance: 500 }, request: { values: [1], request_id: 'r1' } }, 'answered')
  expect(lines()[0]).toMatchObject({
    level: 'info',
    service: 'gateway',
    msg: 'answered',
    prediction_id: 'p1',
    features: '***',
    request: { values: '***', request_id: 'r1' },
  })
  expect(lines()[0]?.['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
})

test('the newest ten warnings and errors are kept for the status', () => {
  const { logger, recentErrors } = collect()
  logger.info('fine')
  for (let index = 0; index < 12; index += 1) logger.warn(`warning ${index}`)
  logger.error({ err: new Error('disk full') }, 'cannot append')
  expect(recentErrors()).toHaveLength(10)
  expect(recentErrors()[0]?.message).toBe('warning 3')
  expect(recentErrors().at(-1)).toMatchObject({ level: 'error', message: 'cannot append: disk full' })
})

function collect() {
  let text = ''
  const { logger, recentErrors } = createServiceLogger({ service: 'gateway', level: 'info', to: { write: (line) => (text += line) } })
  const lines = () =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  return { logger, recentErrors, lines }
}
