import { expect, test } from 'vitest'
import { type ModelFeature, modelDefinition } from '../../contracts/model-definition.ts'
import type { VersionManifest } from '../../contracts/version-manifest.ts'
import { checkManifest } from './check-version.ts'

/** The problems that the check of a version's event finds, with features of this type that requests send. */
function sizeProblems(count: number, type: 'number' | 'text'): string[] {
  const features = Array.from({ length: count }, (_, index): ModelFeature => {
    return { name: `feature_${index}`, source: 'request', type, on_missing: 'reject' }
  })
  const model = modelDefinition.parse({
    name: 'wide',
    description: 'For a test.',
    owner: 'tests',
    task: 'binary_classification',
    primary_label: 'late',
    entities: {},
    score: 'probability',
    outputs: { probability: { description: 'Probability of 1.' } },
    features: [{ name: 'feature_0', source: 'request' }],
  })
  const inputs = [
    { name: 'x', type: type === 'text' ? 'string' : 'float32', shape: [-1, count], features: features.map(({ name }) => name) },
  ]
  const manifest = { model: 'wide', version: '1', inputs, outputs: [{ name: 'probability', type: 'float32' }], golden: [] }
  const problems: string[] = []
  const reporter = (severity: string) => (path: readonly (string | number)[], message: string) => {
    if (message.startsWith('an event of')) problems.push(`${severity}: ${path.join('.')}: ${message}`)
    return { severity: 'error' as const, file: 'manifest.yaml', message }
  }
  checkManifest({
    manifest: manifest as unknown as VersionManifest,
    version: '1',
    model,
    features: new Map(features.map((feature) => [feature.name, feature])),
    featureHashes: new Map(features.map(({ name }) => [name, '0'.repeat(64)])),
    definitions: { views: new Map(), sources: new Map(), lookups: new Map() },
    report: reporter('error'),
    warn: reporter('warning'),
  })
  return problems
}

test('a version whose every event would be too large is refused, and one of which some could be is warned of', () => {
  expect(sizeProblems(1_000, 'number')).toEqual([])
  expect(sizeProblems(100, 'text')).toEqual([])
  expect(sizeProblems(500, 'text')).toEqual([
    expect.stringMatching(
      /^warning: inputs: an event of 500 features takes \d+ bytes, and up to \d+ with long values, and none may have over 524288$/,
    ),
  ])
  expect(sizeProblems(2_500, 'number')).toEqual([expect.stringMatching(/^warning: inputs: an event of 2500 features/)])
  expect(sizeProblems(5_000, 'number')).toEqual([
    expect.stringMatching(/^error: inputs: an event of 5000 features takes \d+ bytes or more/),
  ])
})
