import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Coverage, measureCoverage } from './coverage.ts'
import { populations } from './populations.ts'

// How often intervals hold the true value, as CSV:
//   npm run measure:intervals -- --simulations 4000 --out docs/intervals.csv
const { values } = parseArgs({
  options: { simulations: { type: 'string', default: '4000' }, out: { type: 'string' }, only: { type: 'string' } },
})
const simulations = Number(values.simulations)
const lines = ['population,rows,entities,days,metric,truth,simulations,intervals,covered,coverage,mean_width']
for (const population of populations.filter(({ name }) => values.only === undefined || name.includes(values.only))) {
  const begin = performance.now()
  for (const result of measureCoverage(population, { simulations, seed: 1_000_000, truthRows: 4_000_000 })) lines.push(toLine(result))
  process.stderr.write(`${population.name}: ${Math.round((performance.now() - begin) / 1000)} s\n`)

  function toLine({ metric, truth, intervals, covered, meanWidth, ...result }: Coverage): string {
    const { name, n, rowsPerEntity, days } = population
    const shares = [intervals === 0 ? '' : (covered / intervals).toFixed(4), intervals === 0 ? '' : meanWidth.toPrecision(5)]
    const entities = rowsPerEntity === 1 ? '' : Math.ceil(n / rowsPerEntity)
    return [name, n, entities, days, metric, truth.toPrecision(7), result.simulations, intervals, covered, ...shares].join(',')
  }
}
const text = `${lines.join('\n')}\n`
if (values.out === undefined) process.stdout.write(text)
else writeFileSync(values.out, text)
