import { expect, test } from 'vitest'
import { mergeMetrics } from './merge-metrics.ts'

test("keeps families together, and tells the workers' series apart", () => {
  const own = '# HELP up Up.\n# TYPE up gauge\nup 1\n'
  const text = (count: number) =>
    `# HELP up Up.\n# TYPE up gauge\nup 1\n# HELP sum_total Sum, {a} b.\n# TYPE sum_total counter\nsum_total{route="/a b"} ${count}\n`
  const others = [
    { worker: 'gateway-0', text: text(1) },
    { worker: 'gateway-0-w1', text: text(2) },
    { worker: 'gateway-0-w2', text: '' },
  ]
  expect(mergeMetrics(own, others)).toBe(
    `
# HELP up Up.
# TYPE up gauge
up 1
up{worker="gateway-0"} 1
up{worker="gateway-0-w1"} 1
# HELP sum_total Sum, {a} b.
# TYPE sum_total counter
sum_total{worker="gateway-0",route="/a b"} 1
sum_total{worker="gateway-0-w1",route="/a b"} 2
`.trimStart(),
  )
})
