import { expect, test } from 'vitest'
import type { Project, ProjectModel, ProjectProblem } from '../platform/project/project.ts'
import { featureViewDefinition } from '../contracts/feature-view.ts'
import { problemsThatStop, toProblemText, toWindowLines } from './check-command.ts'

const broken: ProjectProblem = {
  severity: 'error',
  file: 'flight-delay/2/manifest.yaml',
  path: 'model_sha256',
  message: 'is not that of model.onnx',
}

test('a problem says file, field, message and hint', () => {
  expect(toProblemText({ ...broken, hint: 'train again' })).toBe(
    'error: flight-delay/2/manifest.yaml: model_sha256: is not that of model.onnx\n  hint: train again',
  )
})

test('errors of a version or a model stop no other model; those of what models share do, and those of all models', () => {
  const elsewhere: ProjectProblem = { severity: 'error', file: 'labels/arrived_late.yaml', message: 'unknown field' }
  const warning: ProjectProblem = { severity: 'warning', file: 'labels/arrived_late.yaml', message: 'no owner' }
  const model = { definition: { name: 'flight-delay' }, refused: new Map([['2', broken]]) } as unknown as ProjectModel
  const project = { models: new Map([['flight-delay', model]]), problems: [broken, warning] } as unknown as Project
  expect(problemsThatStop(project)).toEqual([])
  expect(problemsThatStop({ ...project, problems: [broken, elsewhere] })).toEqual([elsewhere])
  const other: ProjectProblem = { severity: 'error', file: 'evaluations', message: 'no model can be called that' }
  expect(problemsThatStop({ ...project, problems: [other] })).toEqual([])
  expect(problemsThatStop({ ...project, models: new Map(), problems: [other, warning] })).toEqual([other])
})

test('says of every feature of a view which events it holds', () => {
  const payments = featureViewDefinition.parse({
    name: 'payments',
    description: 'of a card',
    owner: 'tests',
    source: 'payment',
    key: 'card',
    entity: 'card',
    features: [
      { name: 'count_1h', aggregation: 'count', window_seconds: 3600 },
      { name: 'mean_30d', aggregation: 'mean', value: 'amount', window_seconds: 30 * 86_400 },
      { name: 'last', aggregation: 'last', value: 'amount' },
    ],
  })
  expect(toWindowLines({ views: new Map([['payments', payments]]) })).toEqual([
    'payments.count_1h  [floor(t - 1 h, 5 min), t)',
    'payments.mean_30d  [floor(t - 30 d, 1 d), t)',
    'payments.last      all of time',
  ])
})
