import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type DayDifferences, dayDifferences } from '../../../models/flight-delay/train/day-differences.ts'
import { loadProject } from '../../../platform/project/load-project.ts'
import { csvHeader, measureCell, toCsvLine } from './measure-cell.ts'
import { cells } from './cells.ts'

// How often the verdict calls, where there is nothing to call and where there is:
//   npm run measure:verdicts [-- --setting TEXT --csv FILE]
// It writes docs/verdicts.csv, of all settings or of those whose names hold the text. Scoring two months of flights takes minutes, so their day sums are kept in a file.
const { values: options } = parseArgs({
  options: {
    simulations: { type: 'string', default: '4000' },
    setting: { type: 'string', default: '' },
    csv: { type: 'string', default: fileURLToPath(new URL('../../../docs/verdicts.csv', import.meta.url)) },
    'flight-days': { type: 'string', default: fileURLToPath(new URL('../../../.hindsight/flight-days.json', import.meta.url)) },
  },
})

const lines = [csvHeader]
for (const cell of cells(await flightDays(options['flight-days'])).filter(({ name }) => name.includes(options.setting))) {
  const begin = performance.now()
  const measured = measureCell(cell, Math.ceil(Number(options.simulations) * (cell.share ?? 1)))
  process.stdout.write(`${cell.name}: ${measured.map(toCsvLine).join(' | ')} (${Math.round((performance.now() - begin) / 1000)} s)\n`)
  lines.push(...measured.map(toCsvLine))
  await writeFile(options.csv, `${lines.join('\n')}\n`)
}

/** May and June, which neither version was trained on. */
async function flightDays(file: string): Promise<DayDifferences[]> {
  if (existsSync(file)) return JSON.parse(await readFile(file, 'utf8')) as DayDifferences[]
  const project = await loadProject(fileURLToPath(new URL('../../../models', import.meta.url)))
  const days = await dayDifferences(project, { from: '2001-05-01', to: '2001-07-01' })
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, JSON.stringify(days))
  return days
}
