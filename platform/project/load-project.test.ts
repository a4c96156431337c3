import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sha256Hex } from '../../contracts/canonical-json.ts'
import { loadProject } from './load-project.ts'

const example = fileURLToPath(new URL('../../models', import.meta.url))
const notData = ['train', 'demo', 'README.md']
let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'project-'))
  cpSync(example, dir, { recursive: true, filter: (source) => !notData.includes(basename(source)) })
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

function edit(file: string, from: string | RegExp, to: string): void {
  const text = readFileSync(join(dir, file), 'utf8')
  const edited = text.replace(from, to)
  expect(edited, `${file} must contain ${String(from)}`).not.toBe(text)
  writeFileSync(join(dir, file), edited)
}

const modelFile = 'flight-delay/model.yaml'
const deploymentFile = 'flight-delay/deployment.yaml'

test('the example project has no problem', async () => {
  const project = await loadProject(example)
  expect(project.problems).toEqual([])
  const model = project.models.get('flight-delay')!
  expect([...model.versions.keys()]).toEqual(['1', '2'])
  expect(model.deployment.champion).toBe('2')
  expect(project.lookups.get('airport_time_zones')!.values['HNL']).toBe('Pacific/Honolulu')
})

describe('what is wrong is told with its file, field and line', () => {
  test.each([
    ['features/airport_arrivals.yaml', 'source: flight_landed', 'source: flight_lnded', 'source', 'did you mean "flight_landed"?'],
    ['features/airport_arrivals.yaml', 'value: delay_minutes', 'value: constructor', 'features[1].value', 'line'],
    ['features/airport_arrivals.yaml', 'key: destination', 'key: gate', 'key', 'there is destination, origin'],
    ['features/airport_arrivals.yaml', 'hop_seconds: 300', 'hop_seconds: 3600', 'features[0].hop_seconds', 'line'],
    ['features/airport_arrivals.yaml', 'entity: airport', 'entity: plane', 'entity', 'line 7'],
    ['labels/arrived_late.yaml', 'name: arrived_late', 'name: late', 'name', 'line 2'],
    ['labels/arrived_late.yaml', 'maturity_seconds: 86400', 'maturity_seconds: soon', 'maturity_seconds', 'line'],
    ['sources/flight_landed.yaml', 'unit: minutes', 'unit: minutes\n    colour: red', 'values.delay_minutes.colour', 'line'],
    [modelFile, 'primary_label: arrived_late', 'primary_label: arrived', 'primary_label', 'there is arrived_late'],
    [modelFile, 'score: probability_late', 'score: probability', 'score', 'there is probability_late'],
    [modelFile, 'output: probability_late', 'output: constructor', 'decision.output', 'there is probability_late'],
    [modelFile, 'view: airport_arrivals', 'view: airport_arrival', 'features[3].view', 'did you mean "airport_arrivals"?'],
    [modelFile, 'feature: count_3h', 'feature: count_4h', 'features[3].feature', 'did you mean "count_3h"?'],
    [modelFile, '    entity: destination', '    entity: gate', 'features[5].entity', 'there is destination, origin'],
    [modelFile, '      - weekday\n', '      - weekdays\n', 'anchors.departure.features[2]', 'did you mean "weekday"?'],
    [
      modelFile,
      '        lookup: airport_time_zones',
      '        lookup: zones',
      'features[1].derive.time_zone.lookup',
      'there is airport_time_zones',
    ],
    [modelFile, '      - weekday\n', '      - weekday\n      - hour\n', 'anchors.departure.features[3]', 'line'],
    [modelFile, 'threshold: 0.4', 'threshold: 1.4', 'decision.threshold', 'is a probability'],
    [modelFile, 'threshold: 0.4', 'threshold: -0.1', 'decision.threshold', 'is a probability'],
    [
      modelFile,
      'latency_budget_ms',
      'evaluation: {cluster_by: [gate]}\nlatency_budget_ms',
      'evaluation.cluster_by[0]',
      'there is destination',
    ],
    [
      modelFile,
      'latency_budget_ms',
      'evaluation: {rows: independent, cluster_by: [origin]}\nlatency_budget_ms',
      'evaluation.cluster_by',
      'line',
    ],
    [modelFile, 'latency_budget_ms', 'evaluation: {quantile: 0.9}\nlatency_budget_ms', 'evaluation.quantile', 'line'],
    [modelFile, '    min: 1\n', '    min: 1\n    on_missing: default\n', 'features[0].on_missing', 'line'],
    [
      modelFile,
      '    feature: count_3h\n',
      '    feature: count_3h\n    on_store_unavailable: default\n',
      'features[3].on_store_unavailable',
      'line',
    ],
    [modelFile, '    min: 1\n', "    min: 1\n    default: 'far'\n", 'features[0].default', 'line'],
    [modelFile, '    max: 10000\n', '    max: 0\n', 'features[0].max', 'line'],
    [
      modelFile,
      'latency_budget_ms: 250',
      'fallback: {outputs: {probability: 0.2}}',
      'fallback.outputs.probability',
      'there is probability_late',
    ],
    [modelFile, 'latency_budget_ms: 250', 'fallback: {outputs: {}}', 'fallback.outputs', 'line'],
    [modelFile, 'latency_budget_ms: 250', "fallback: {outputs: {probability_late: 'low'}}", 'fallback.outputs.probability_late', 'line'],
    [modelFile, 'latency_budget_ms: 250', 'inference: {execution_providers: [gpu]}', 'inference.execution_providers[0]', 'line'],
    [deploymentFile, "champion: '2'", "champion: '3'", 'champion', 'there is 1, 2'],
    [deploymentFile, "champion: '2'", 'champion: 2', 'champion', 'goes in quotes'],
    [deploymentFile, "shadows: ['1']", "shadows: ['2']", 'shadows[0]', 'line'],
    [deploymentFile, "shadows: ['1']", "challengers: [{version: '2', weight: 0.1}]", 'challengers[0].version', 'line'],
    [deploymentFile, "shadows: ['1']", "challengers: [{version: '3', weight: 0.1}]", 'challengers[0].version', 'there is 1, 2'],
    [deploymentFile, 'author:', "challengers: [{version: '1', weight: 0.1}]\nauthor:", 'challengers[0].version', 'its own share'],
    [
      deploymentFile,
      "shadows: ['1']",
      "challengers: [{version: '1', weight: 0.5}, {version: '1', weight: 0.5}]",
      'challengers',
      'something for the champion',
    ],
  ])('%s: %s -> %s', async (file, from, to, path, hint) => {
    edit(file, from, to)
    const { problems } = await loadProject(dir)
    const problem = problems.find((candidate) => candidate.file === file && candidate.path === path)
    expect(problem, JSON.stringify(problems)).toMatchObject({ severity: 'error', file, path })
    expect(problem!.hint).toContain(hint)
  })

  test('text that is not YAML', async () => {
    edit(modelFile, 'features:', 'features: [')
    const { problems, models } = await loadProject(dir)
    expect(problems[0]).toMatchObject({ file: modelFile, hint: expect.stringMatching(/^line \d+, column \d+$/) })
    expect(models.size).toBe(0)
  })

  test('features that derive from one another', async () => {
    const derived = (name: string, of: string) => `  - {name: ${name}, source: derived, derive: {function: log1p, of: ${of}}}\n`
    edit(modelFile, '\nfeatures:\n', `\nfeatures:\n${derived('chicken', 'egg')}${derived('egg', 'chicken')}`)
    const { problems } = await loadProject(dir)
    expect(problems.map(({ message }) => message)).toEqual(['"chicken" derives from itself', '"egg" derives from itself'])
  })

  test('an anchor that allows a derived feature, and not what it derives from', async () => {
    edit(modelFile, '\nfeatures:\n', '\nfeatures:\n  - {name: far, source: derived, derive: {function: log1p, of: distance}}\n')
    edit(modelFile, '      - distance\n', '      - far\n')
    const { problems } = await loadProject(dir)
    expect(problems[0]!.message).toBe('derives from "distance", which this anchor does not allow')
  })

  test('two models that would share a view', async () => {
    cpSync(join(dir, 'flight-delay'), join(dir, 'flight_delay'), { recursive: true })
    const { problems, models } = await loadProject(dir)
    expect(problems[0]!.message).toContain('would share the view gold.flight_delay')
    expect([...models.keys()]).toEqual(['flight-delay'])
  })

  test('an empty model.yaml, and a field that is missing: no hint about quotes', async () => {
    edit('sources/flight_landed.yaml', 'owner: flight-operations\n', '')
    writeFileSync(join(dir, modelFile), '')
    const { problems } = await loadProject(dir)
    expect(problems).toContainEqual({ severity: 'error', file: 'sources/flight_landed.yaml', path: 'owner', message: 'is missing' })
    expect(problems).toContainEqual({ severity: 'error', file: modelFile, path: 'task', message: 'is missing' })
    expect(problems.filter(({ hint }) => hint?.includes('quotes'))).toEqual([])
  })

  test.each(['deployment.yaml', '1/model.onnx', '1/manifest.yaml'])('a folder that has %s, and no model.yaml', async (file) => {
    mkdirSync(join(dir, 'other/1'), { recursive: true })
    writeFileSync(join(dir, 'other', file), '')
    const { problems, models } = await loadProject(dir)
    const [problem, ...more] = problems
    expect(problem).toMatchObject({ severity: 'error', file: 'other/model.yaml', message: 'there is no such file' })
    expect(problem!.hint).toContain('model.yaml')
    expect(more).toEqual([])
    expect([...models.keys()]).toEqual(['flight-delay'])
  })

  test.each(['notes', 'lookups', '.cache'])('the folder %s is no model', async (folder) => {
    mkdirSync(join(dir, folder, '1'), { recursive: true })
    if (folder !== 'notes') writeFileSync(join(dir, folder, '1/manifest.yaml'), '')
    expect((await loadProject(dir)).problems).toEqual([])
  })

  test('a folder that is called as a definition', async () => {
    mkdirSync(join(dir, 'labels/late.yaml'))
    const { problems } = await loadProject(dir)
    expect(problems).toEqual([{ severity: 'error', file: 'labels/late.yaml', message: 'is a folder, and must be a file' }])
  })

  test('a threshold on a score that is no probability', async () => {
    edit(modelFile, 'threshold: 0.4', 'threshold: 40')
    edit(modelFile, 'task: binary_classification', 'task: regression')
    const { problems } = await loadProject(dir)
    expect(problems.map(({ path }) => path)).toEqual(['primary_label'])
  })

  test('no folder, and no model', async () => {
    const missing = await loadProject(join(dir, 'nowhere'))
    expect(missing.problems.map(({ message }) => message)).toEqual([`there is no project folder ${join(dir, 'nowhere')}`])
    rmSync(join(dir, 'flight-delay'), { recursive: true })
    expect((await loadProject(dir)).problems.map(({ message }) => message)).toEqual(['the project has no model'])
  })
})

describe('a broken definition is told once, not again by what refers to it', () => {
  test.each([
    ['features/airport_arrivals.yaml', 'hop_seconds: 300', 'hop_seconds: soon'],
    ['features/airport_arrivals.yaml', 'features:', 'features: ['],
    ['features/airport_arrivals.yaml', 'name: airport_arrivals', 'name: arrivals'],
    ['features/airport_arrivals.yaml', 'key: destination', 'key: gate'],
    ['sources/flight_landed.yaml', 'keys:', 'key:'],
    ['sources/flight_landed.yaml', 'keys:', 'keys: {'],
    ['labels/arrived_late.yaml', 'type: binary', 'type: boolean'],
    ['lookups/airport_time_zones.yaml', 'entity: airport', 'entity: 1'],
  ])('%s: %s -> %s', async (file, from, to) => {
    edit(file, from, to)
    const { problems, models } = await loadProject(dir)
    expect(problems.length).toBeGreaterThan(0)
    expect(problems.filter((problem) => problem.file !== file)).toEqual([])
    expect([...models.keys()]).toEqual([])
  })

  test('a name that is nearly that of a broken one is told so', async () => {
    edit('features/airport_arrivals.yaml', 'hop_seconds: 300', 'hop_seconds: soon')
    edit(modelFile, 'view: airport_arrivals', 'view: airport_arrival')
    const problem = (await loadProject(dir)).problems.find(({ file }) => file === modelFile)
    expect(problem!.hint).toContain('did you mean "airport_arrivals"?')
  })
})

describe('a version with a problem is refused, and the others stay', () => {
  const manifest = 'flight-delay/1/manifest.yaml'

  async function expectRefusal(path: string | undefined, message: string): Promise<void> {
    const { models, problems } = await loadProject(dir)
    const model = models.get('flight-delay')!
    expect([...model.versions.keys()]).toEqual(['2'])
    expect(model.refused.get('1')?.path).toBe(path)
    expect(model.refused.get('1')?.message).toContain(message)
    expect(problems).toContainEqual(model.refused.get('1'))
  }

  test('other bytes than the manifest says', async () => {
    edit(manifest, /model_sha256: ./, 'model_sha256: 0')
    await expectRefusal('model_sha256', 'the SHA-256 of flight-delay/1/model.onnx is')
  })

  test('a file that is no model', async () => {
    writeFileSync(join(dir, 'flight-delay/1/model.onnx'), 'not a model')
    edit(manifest, /model_sha256: \w+/, `model_sha256: ${sha256Hex('not a model')}`)
    await expectRefusal(undefined, 'is not an ONNX file')
  })

  test('no file at all', async () => {
    rmSync(join(dir, 'flight-delay/1/model.onnx'))
    await expectRefusal(undefined, 'there is no such file')
  })

  test('no manifest', async () => {
    rmSync(join(dir, manifest))
    await expectRefusal(undefined, 'there is no such file')
  })

  test('weights in another file', async () => {
    const file = join(dir, 'flight-delay/1/model.onnx')
    // ModelProto.graph { initializer { name: "w", data_location: EXTERNAL } }, merged into the graph that is there.
    const bytes = Buffer.concat([readFileSync(file), Buffer.from([0x3a, 7, 0x2a, 5, 0x42, 1, 0x77, 0x70, 1])])
    writeFileSync(file, bytes)
    edit(manifest, /model_sha256: \w+/, `model_sha256: ${sha256Hex(bytes)}`)
    await expectRefusal('model_file', 'keeps its tensor "w" in another file')
  })

  test('an input that the file does not have', async () => {
    edit(manifest, '  - name: features', '  - name: rows')
    await expectRefusal('inputs[0]', 'the file has no tensor "rows"')
  })

  test('a feature that the model does not have', async () => {
    edit(manifest, '      - weekday', '      - weekdays')
    await expectRefusal('inputs[0].features[2]', 'the model has no feature "weekdays"')
  })

  test('definitions that changed after training', async () => {
    edit('lookups/airport_time_zones.yaml', 'ABE: America/New_York', 'ABE: America/Chicago')
    const { models } = await loadProject(dir)
    const { refused } = models.get('flight-delay')!
    expect([...refused.values()].map(({ path }) => path)).toEqual(['feature_set_sha256', 'feature_set_sha256'])
  })

  test('prose may change', async () => {
    edit('features/airport_arrivals.yaml', 'Flights that landed at an airport.', 'Landings.')
    edit('sources/flight_landed.yaml', 'owner: flight-operations', 'owner: someone-else')
    expect((await loadProject(dir)).problems).toEqual([])
  })
})
