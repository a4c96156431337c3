import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, describe, test } from 'vitest'
import { createAssembler } from '../../../features/assembly/assembler.ts'
import type { FeatureValue } from '../../../features/engine/feature-value.ts'
import { loadProject } from '../../../platform/project/load-project.ts'
import type { ProjectModel, ProjectVersion } from '../../../platform/project/project.ts'
import { openScorer } from './score-onnxruntime.ts'

const project = await loadProject(fileURLToPath(new URL('../..', import.meta.url)))
const model = project.models.get('flight-delay')!

type Golden = ProjectVersion['manifest']['golden'][number]

/** A Sunday, 2001-01-07, or the weekday after it, at that hour of Honolulu, where no clock is ever changed. */
function anchorOf({ features }: Golden): number {
  return Date.UTC(2001, 0, 7 + Number(features['weekday'] ?? 0), Number(features['hour'] ?? 0) + 10)
}

/** The golden row as a request: what is derived from anchor and origin, or read online, is given as such. */
function assembleGolden({ version, manifest }: ProjectVersion, golden: Golden, of: ProjectModel): Map<string, unknown> {
  const names = manifest.inputs.flatMap(({ features }) => features)
  const online = (view: string, role: string): ReadonlyMap<string, FeatureValue> =>
    new Map(
      [...of.features.values()].flatMap((feature): [string, FeatureValue][] => {
        if (feature.source !== 'online' || feature.view !== view || feature.entity !== role) return []
        const value = golden.features[feature.name]
        return [[feature.feature, typeof value === 'number' ? { status: 'ok', value } : { status: 'missing', reason: 'no_events' }]]
      }),
    )
  const isKnown = golden.features['hour'] !== undefined && golden.features['weekday'] !== undefined
  const served = createAssembler({ project, model: of, names }).assemble({
    anchor: 'departure',
    anchorTimeMs: anchorOf(golden),
    entities: { origin: isKnown ? 'HNL' : 'no airport', destination: 'LAX' },
    features: { distance: golden.features['distance']! },
    online,
  })
  expect(served.map(({ name }) => name).toSorted(), version).toEqual(names.toSorted())
  return new Map(served.map(({ name, value }) => [name, value]))
}

/** A golden request with only one of hour and weekday cannot be asked for: both come from the same time zone. */
function isAskable({ features }: Golden): boolean {
  return (features['hour'] === undefined) === (features['weekday'] === undefined)
}

describe.each([...model.versions.values()])('version $version', (version) => {
  const { manifest, modelFile } = version
  const names = manifest.inputs.flatMap(({ features }) => features)

  test('has at least 20 golden requests, some with missing values', () => {
    expect(manifest.golden.length).toBeGreaterThanOrEqual(20)
    expect(manifest.golden.filter(({ features }) => Object.keys(features).length < names.length).length).toBeGreaterThan(0)
    expect(statSync(modelFile).size).toBeLessThan(2_000_000)
  })

  test('answers its golden requests as recorded', async () => {
    const score = await openScorer(modelFile, names)
    const scores = await score(manifest.golden.map(({ features }) => names.map((name) => Number(features[name] ?? Number.NaN))))
    for (const [index, { outputs }] of manifest.golden.entries())
      expect(Math.abs(scores[index]! - Number(outputs['probability_late'])), `golden[${index}]`).toBeLessThanOrEqual(
        manifest.golden_tolerance,
      )
  })

  test('sees the same features when they are assembled from a request', () => {
    const askable = manifest.golden.filter(isAskable)
    expect(askable.length).toBeGreaterThanOrEqual(20)
    for (const golden of askable) {
      const assembled = assembleGolden(version, golden, model)
      for (const name of names) expect(assembled.get(name), name).toBe(golden.features[name])
    }
  })
})

test('every version stands', () => {
  expect(project.problems).toEqual([])
  expect([...model.versions.keys()]).toEqual(['1', '2'])
})
