import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openFile } from '../../platform/files/open-file.ts'
import { binaryExample } from '../metrics/binary-example.ts'
import { anyColumn, type ArrayColumns } from './array-columns.ts'
import { evaluateFile, type EvaluateFileOptions } from './evaluate-file.ts'
import { toFileEvaluationText } from './file-evaluation-text.ts'

let dir: string
let files = 0
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hindsight-array-'))
})
afterAll(() => rm(dir, { recursive: true }))

type SomeOptions = Partial<Omit<EvaluateFileOptions, 'columns'>> & { columns?: Partial<ArrayColumns> }

async function evaluate(ending: string, content: string, { columns, ...options }: SomeOptions = {}) {
  const path = join(dir, `${(files += 1)}${ending}`)
  await writeFile(path, content)
  const source = await openFile(path, { columns: anyColumn })
  const all = { score: 'score', outcome: 'outcome', clusters: [], probabilities: new Map<string, string>(), ...columns }
  return evaluateFile({ source, task: 'binary', columns: all, ...options })
}

const csv = (header: string, ...rows: string[]) => [header, ...rows, ''].join('\n')
const metric = ({ metrics }: Awaited<ReturnType<typeof evaluate>>, name: string) => metrics.find((candidate) => candidate.name === name)
const exampleRows = [...binaryExample.scores].map((score, row) => [score, binaryExample.outcomes[row]] as const)

describe('the figures of a file', () => {
  // scikit-learn 1.9.1 roc_auc_score, log_loss and precision_score of the example.
  test.each([
    ['CSV with 0 and 1', '.csv', csv('score,outcome', ...exampleRows.map(([score, outcome]) => `${score},${outcome}`))],
    ['CSV with True and False', '.csv', csv('score,outcome', ...exampleRows.map(([s, y]) => `${s},${y === 1 ? 'True' : 'False'}`))],
    ['CSV with floats', '.csv', csv('score,outcome', ...exampleRows.map(([score, outcome]) => `${score},${outcome}.0`))],
    ['JSONL', '.jsonl', exampleRows.map(([score, outcome]) => JSON.stringify({ score, outcome: outcome === 1 })).join('\n')],
  ])('are those of its rows: %s', async (_, ending, content) => {
    const evaluation = await evaluate(ending, content, { threshold: 0.5 })
    expect(metric(evaluation, 'roc_auc')?.value).toBeCloseTo(0.7774936061381075, 12)
    expect(metric(evaluation, 'log_loss')?.value).toBeCloseTo(0.5904692555339304, 12)
    expect(metric(evaluation, 'precision')).toMatchObject({ value: 0.7, n: 10, method: 'wilson' })
    expect(evaluation).toMatchObject({ rows: 40, zero_weight: 0, tables: { confusion: { true_positive: 7, false_positive: 3 } } })
  })

  test('weigh rows, and leave out those that weigh 0', async () => {
    const rows = ['0.1,0,2', '0.9,1,1', '0.4,1,3', '0.6,0,1', '0.99,0,0']
    const evaluation = await evaluate('.csv', csv('score,outcome,weight', ...rows), { columns: { weight: 'weight' } })
    // Pairs that are in order weigh (2 + 1) * 1 + 2 * 3 of 3 * 4.
    expect(metric(evaluation, 'roc_auc')).toMatchObject({ value: 0.75, n: 4 })
    expect(evaluation).toMatchObject({ rows: 5, zero_weight: 1 })
  })

  test('say what their intervals are clustered by', async () => {
    const rows = Array.from(
      { length: 600 },
      (_, row) => `${((row * 7) % 100) / 100},${(row * 31) % 2},a${row % 20},2026-05-0${1 + (row % 7)}`,
    )
    const text = csv('score,outcome,airport,day', ...rows)
    const both = await evaluate('.csv', text, { columns: { clusters: ['airport'], day: 'day' } })
    expect(metric(both, 'brier')).toMatchObject({ clustered_by: 'entity_and_day', clusters: 7, scope: 'days_to_come' })
    const few = await evaluate('.csv', text.replaceAll(/2026-05-0[4-7]/g, '2026-05-03T23:59:59Z'), {
      columns: { clusters: ['airport'], day: 'day' },
    })
    expect(metric(few, 'brier')).toMatchObject({ clustered_by: 'entity', clusters: 20, scope: 'these_days' })
    expect(toFileEvaluationText('some.csv', few)).toMatch(/brier .* t, by entity, 20 clusters, for these days only/)
  })

  test('tell the threshold that costs least', async () => {
    const rows = ['0.1,0', '0.2,0', '0.3,1', '0.4,0', '0.8,1', '0.9,1']
    const costs = { false_positive: 1, false_negative: 10, true_positive: 0, true_negative: 0 }
    const evaluation = await evaluate('.csv', csv('score,outcome', ...rows), { threshold: 0.5, costs })
    expect(metric(evaluation, 'cost')?.value).toBeCloseTo(10 / 6, 12)
    const least = evaluation.tables.thresholds?.filter((row) => row.is_least_cost)
    expect(least).toEqual([expect.objectContaining({ threshold: 0.3, false_positive: 1, false_negative: 0, cost: 1 / 6 })])
  })

  // scikit-learn 1.9.1 log_loss and accuracy_score of the three rows.
  test('of several classes take the likeliest, and calibrate it', async () => {
    const evaluation = await evaluate('.csv', csv('outcome,pa,pb', 'a,0.7,0.3', 'a,0.4,0.6', 'b,0.2,0.8'), {
      task: 'classes',
      columns: {
        probabilities: new Map([
          ['a', 'pa'],
          ['b', 'pb'],
        ]),
      },
    })
    expect(metric(evaluation, 'accuracy')?.value).toBeCloseTo(2 / 3, 12)
    expect(metric(evaluation, 'log_loss')?.value).toBeCloseTo(0.4987030757090324, 12)
    expect(evaluation.tables.class_confusion).toContainEqual({ observed: 'a', predicted: 'b', n: 1, weight: 1 })
    expect(evaluation.tables.top_class_calibration?.map(({ n, rate }) => [n, rate])).toEqual([
      [1, 0],
      [1, 1],
      [1, 1],
    ])
  })

  test('of numbers judge the quantile that they are meant as', async () => {
    const evaluation = await evaluate('.csv', csv('score,outcome', '3,1', '3,2', '3,5', '3,3'), { task: 'regression', quantile: 0.75 })
    expect(metric(evaluation, 'quantile_coverage')?.value).toBe(0.75)
    // scikit-learn 1.9.1 mean_pinball_loss([1, 2, 5, 3], [3, 3, 3, 3], alpha=0.75)
    expect(metric(evaluation, 'pinball_loss')?.value).toBeCloseTo(0.5625, 12)
  })

  test.each([
    ['no rows', csv('score,outcome')],
    ['one class', csv('score,outcome', '0.1,1', '0.4,1')],
  ])('are undefined where they are: %s', async (_, text) => {
    const evaluation = await evaluate('.csv', text)
    expect(metric(evaluation, 'roc_auc')).not.toHaveProperty('value')
    expect(JSON.stringify(evaluation)).not.toMatch(/null|NaN/)
  })
})

describe('a cell is refused by its line and column', () => {
  test.each<[string, string, string, string, string, SomeOptions?]>([
    ['NaN as a score', csv('score,outcome', '0.1,0', 'nan,1'), 'not_finite', 'score', 'line 3'],
    ['an infinite score', csv('score,outcome', '-inf,0'), 'not_finite', 'score', 'line 2'],
    ['no outcome', csv('score,outcome', '0.1,'), 'invalid_request', 'outcome', 'line 2'],
    ['an outcome of -1', csv('score,outcome', '0.1,-1'), 'out_of_range', 'outcome', 'line 2'],
    ['an outcome of 2', csv('score,outcome', '0.1,1', '0.1,2'), 'out_of_range', 'outcome', 'line 3'],
    ['an outcome of yes', csv('score,outcome', '0.1,yes'), 'invalid_request', 'outcome', 'line 2'],
    ['a word as a score', csv('score,outcome', 'high,1'), 'invalid_request', 'score', 'line 2'],
    ['a file without the column', csv('p,outcome', '0.1,1'), 'invalid_request', 'score', 'line 2'],
    ['a negative weight', csv('score,outcome,w', '0.1,1,-0.5'), 'out_of_range', 'w', 'line 2', { columns: { weight: 'w' } }],
    ['NaN as a weight', csv('score,outcome,w', '0.1,1,NaN'), 'not_finite', 'w', 'line 2', { columns: { weight: 'w' } }],
    ['a day that no calendar has', csv('score,outcome,d', '0.1,1,2026-02-30'), 'invalid_request', 'd', 'line 2', { columns: { day: 'd' } }],
  ])('%s', async (_, text, code, path, line, options) => {
    await expect(evaluate('.csv', text, options)).rejects.toMatchObject({
      code,
      path,
      message: expect.stringContaining(`${line}: `) as string,
    })
  })

  test('of JSON a boolean as a score', async () => {
    await expect(evaluate('.jsonl', '{"score": true, "outcome": 1}')).rejects.toMatchObject({ code: 'invalid_request', path: 'score' })
  })

  test.each([
    ['probabilities that do not add up', 'a,0.7,0.7', undefined],
    ['a class without a probability', 'c,0.7,0.3', 'outcome'],
  ])('of several classes %s', async (_, row, path) => {
    const probabilities = new Map([
      ['a', 'pa'],
      ['b', 'pb'],
    ])
    const evaluated = evaluate('.csv', csv('outcome,pa,pb', row), { task: 'classes', columns: { probabilities } })
    await expect(evaluated).rejects.toMatchObject({ code: 'out_of_range', path, message: expect.stringContaining('line 2: ') as string })
  })

  test('and a column that is meant for two things before anything is read', async () => {
    await expect(evaluate('.csv', csv('score,outcome'), { columns: { weight: 'score' } })).rejects.toMatchObject({ code: 'invalid_config' })
  })
})
