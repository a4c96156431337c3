import { expect, test } from 'vitest'
import { createDistribution } from './distribution.ts'
import { createInstruments, type Instruments } from './instruments.ts'
import { startTelemetry } from './telemetry-opentelemetry.ts'

test('counts each set of labels apart, and shows them in Prometheus format', async () => {
  const text = await render(({ counter }) => {
    const requests = counter({ name: 'requests_total', description: 'Requests.', labels: ['route', 'status'] })
    requests('/a', '200').add(1)
    requests('/a', '200').add(2)
    requests('/a', '500').add(1)
    requests('500', '/a').add(7)
  })
  expect(text).toContain('# HELP requests_total Requests.\n# TYPE requests_total counter\n')
  expect(text).toContain('requests_total{route="/a",status="200"} 3\n')
  expect(text).toContain('requests_total{route="/a",status="500"} 1\n')
  expect(text).toContain('requests_total{route="500",status="/a"} 7\n')
})

test('a bucket holds what is up to its bound', async () => {
  const text = await render(({ histogram }) => {
    const seconds = histogram({ name: 'seconds', description: '', labels: ['stage'], bounds: [0.1, 0.5] })
    for (const value of [0.05, 0.1, 0.2, 9]) seconds('queue').record(value)
  })
  const bucket = (le: string) => Number(new RegExp(`seconds_bucket\\{stage="queue",le="${le}"\\} (\\d+)`).exec(text)?.[1])
  expect([bucket('0.1'), bucket('0.5'), bucket('\\+Inf')]).toEqual([2, 3, 4])
  expect(text).toContain('seconds_count{stage="queue"} 4\n')
  expect(text).toMatch(/seconds_sum\{stage="queue"\} 9\.3/)
})

test('reads what is counted elsewhere each time it is asked', async () => {
  const rows = createDistribution([1, 2])
  let depth = 0
  const { instruments, renderMetrics, shutdown } = await startTelemetry({ service: 'test' })
  instruments.observe('gauge', { name: 'depth', description: '' }, () => [{ labels: [], value: depth }])
  instruments.observe('histogram', { name: 'rows', description: '' }, () => [{ labels: [], value: rows }])
  expect(await renderMetrics()).toMatch(/^depth 0$/m)
  depth = 5
  rows.record(2)
  const text = await renderMetrics()
  expect(text).toMatch(/^depth 5$/m)
  expect(text).toMatch(/^rows_bucket\{le="2"\} 1$/m)
  await shutdown()
})

test('says how late the event loop has come', async () => {
  const { renderMetrics, shutdown } = await startTelemetry({ service: 'test' })
  const seen = async (le: string) => {
    const text = await renderMetrics()
    const under = Number(new RegExp(`hindsight_event_loop_lag_seconds_bucket\\{le="${le}"\\} (\\d+)`).exec(text)?.[1])
    return Number(/hindsight_event_loop_lag_seconds_count (\d+)/.exec(text)?.[1]) - under
  }
  const before = await seen('0.05')
  const until = performance.now() + 150
  while (performance.now() < until);
  await expect.poll(() => seen('0.05')).toBeGreaterThan(before)
  await shutdown()
})

test('refuses a second metric of a name, and labels that are too few', () => {
  const { counter } = createInstruments()
  const requests = counter({ name: 'requests_total', description: '', labels: ['route'] })
  expect(() => counter({ name: 'requests_total', description: '' })).toThrow('two metrics')
  expect(() => requests()).toThrow('0 labels for route')
})

async function render(use: (instruments: Instruments) => void): Promise<string> {
  const { instruments, renderMetrics, shutdown } = await startTelemetry({ service: 'test' })
  use(instruments)
  const text = await renderMetrics()
  await shutdown()
  return text
}
