import { clusteredRows, type Dependence, independentRows, toClusters } from '../dependence.ts'
import { binaryMetrics, binaryTables } from '../reports/binary.ts'
import { regressionMetrics } from '../reports/regression.ts'
import { binarySample, regressionSample } from '../sample.ts'
import { createRandom } from './random.ts'

// What all figures of many rows cost, beside a sort of the same scores:
//   node --import=#typescript labeler/metrics/testing/measure-metrics.ts [rows] [rounds]
const n = Number(process.argv[2] ?? 3_000_000)
const rounds = Number(process.argv[3] ?? 3)
const { uniform } = createRandom(1)
const scores = Float64Array.from({ length: n }, uniform)
const outcomes = Uint8Array.from(scores, (score) => Number(uniform() < score))
const observed = Float64Array.from(scores, (score) => score + uniform())
const names = (count: number) => Array.from({ length: n }, () => `id ${Math.floor(uniform() * count)}`)
const [origins, destinations, days] = [names(300), names(300), names(91)]

const cases: [string, () => Dependence][] = [
  ['independent', () => independentRows(n)],
  ['one role and day', () => clusteredRows({ entities: [toClusters(origins)], days: toClusters(days), n })],
  ['two roles and day', () => clusteredRows({ entities: [origins, destinations].map(toClusters), days: toClusters(days), n })],
]
for (const [name, dependenceOf] of cases) {
  const times: Record<string, number[]> = {}
  for (let round = 0; round < rounds; round++) {
    const timed = <T>(what: string, task: () => T): T => {
      const begin = performance.now()
      const result = task()
      times[what] = [...(times[what] ?? []), (performance.now() - begin) / 1000]
      return result
    }
    timed('sort', () => scores.toSorted())
    const dependence = timed('clusters', dependenceOf)
    timed('two classes', () => {
      const sample = binarySample({ scores, outcomes }, dependence)
      return [binaryMetrics(sample, { threshold: 0.5 }), binaryTables(sample, { threshold: 0.5 })]
    })
    timed('numbers', () => regressionMetrics(regressionSample({ predicted: scores, observed }, dependence), 0.5))
  }
  const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
  const sort = median(times['sort'] ?? [])
  for (const [what, values] of Object.entries(times))
    console.log(`${name.padEnd(18)} ${what.padEnd(12)} ${median(values).toFixed(2)} s, ${(median(values) / sort).toFixed(1)} sorts`)
}
console.log(`most memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB, ${n} rows`)
