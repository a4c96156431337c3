import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { loadProject } from '../../../platform/project/load-project.ts'
import type { Project } from '../../../platform/project/project.ts'
import { type Span, writeRows } from './training-rows.ts'
import { type TrainingResult, writeVersion } from './write-version.ts'

const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    keep: { type: 'boolean', default: false },
    'code-version': { type: 'string' },
  },
})

const trainSpan: Span = { from: '2001-01-01', to: '2001-05-01' }
const testSpan: Span = { from: '2001-06-01', to: '2001-07-01' }
const baseline = ['distance', 'hour', 'weekday']
const here = fileURLToPath(new URL('.', import.meta.url))

const project = await loadProject(join(here, '../..'))
const model = project.models.get('flight-delay')
if (model === undefined) throw new Error(JSON.stringify(project.problems, null, 2))
const columns = model.definition.features.map(({ name }) => name)
const versions: Record<string, string[]> = { 1: baseline, 2: columns }
const descriptions: Record<string, string> = {
  1: 'Baseline: distance, local hour and weekday of departure.',
  2: 'The baseline, and how many flights landed late at both airports and from the origin in the last 3 hours.',
}

const dir = await mkdtemp(join(tmpdir(), 'flight-delay-'))
try {
  const trainingRows = await split(project, 'train', trainSpan)
  await split(project, 'test', testSpan)
  await writeFile(join(dir, 'plan.json'), JSON.stringify({ columns, versions }))
  await runPython()
  const results = JSON.parse(await readFile(join(dir, 'results.json'), 'utf8')) as Record<string, TrainingResult>
  for (const [version, features] of Object.entries(versions)) {
    const { metrics } = await writeVersion({
      model,
      version,
      features,
      description: descriptions[version]!,
      onnxFile: join(dir, `${version}.onnx`),
      result: results[version]!,
      trainingRows,
      trainingData: `flights-3m.parquet of vega-datasets, local departures from ${trainSpan.from} until before ${trainSpan.to}`,
      codeVersion: options['code-version'],
      dir: join(here, '..'),
      now: Date.now(),
    })
    say(`version ${version}: ${JSON.stringify(metrics)}`)
  }
} finally {
  if (options.keep) say(`rows and results are in ${dir}`)
  else await rm(dir, { recursive: true, force: true })
}

async function split(of: Project, name: string, span: Span) {
  const summary = await writeRows({ project: of, names: columns, span, dir, split: name, onRows: (rows) => say(`${name}: ${rows} rows`) })
  return summary
}

async function runPython(): Promise<void> {
  const python = spawn(options.python, [join(here, 'train.py'), dir], { stdio: 'inherit' })
  const [status] = (await once(python, 'exit')) as [number | null]
  if (status !== 0) throw new Error(`train.py ended with status ${status}`)
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
