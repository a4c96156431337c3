import { describe, expect, it } from 'vitest'
import type { Scalar } from '../../contracts/primitives.ts'
import { testProject } from '../testing/test-project.ts'
import { fitsSentRow, takeSentRows } from './sent-row.ts'
import type { ServingVersion } from './serving-model.ts'
import type { VersionFeatures } from './version-features.ts'
import { type Instance } from './prediction.ts'

const model = testProject.models.get('parcel-delay')!
const assembled: VersionFeatures = { keysOf: () => [{ partition: 0, key: 'k' }], needsStore: () => true, assemble: () => [] }
const features = takeSentRows(assembled, model, model.versions.get('1')!)

function instanceOf(values?: Record<string, Scalar | undefined>, anchor = 'sent'): Instance {
  return {
    index: 0,
    decisionId: 'd',
    tenant: 'default',
    entities: {},
    anchor,
    anchorTimeMs: 0,
    features: {},
    tags: [],
    row: values && { values: new Map(Object.entries(values)), inputs: [] },
  }
}

describe('an instance that was sent as tensors', () => {
  it('is served what was sent, and nothing is read for it', () => {
    const instance = instanceOf({ depot_load: 2, weight: 1, other: 3 })
    expect(features.keysOf(instance)).toEqual([])
    expect(features.needsStore(instance)).toBe(false)
    const served = features.assemble(instance, undefined)
    expect(served.map(({ name, value, source, status }) => [name, value, source, status])).toEqual([
      ['weight', 1, 'request', 'ok'],
      ['depot_load', 2, 'request', 'ok'],
    ])
    expect(served[0]?.definition).toBe(model.featureHashes.get('weight'))
  })

  it('may say that a feature is missing, but not leave it out', () => {
    expect(features.assemble(instanceOf({ weight: undefined, depot_load: 2 }), undefined)[0]).toMatchObject({
      status: 'missing',
      reason: 'nan',
    })
    expect(() => features.assemble(instanceOf({ depot_load: 2 }), undefined)).toThrow(expect.objectContaining({ code: 'missing_feature' }))
  })

  it('may not send what its anchor does not allow', () => {
    const narrow = { ...model, definition: { ...model.definition, anchors: { sent: { description: '', features: ['weight'] } } } }
    const allowed = takeSentRows(assembled, narrow, model.versions.get('1')!)
    expect(() => allowed.assemble(instanceOf({ weight: 1, depot_load: 2 }), undefined)).toThrow(
      expect.objectContaining({ code: 'unknown_feature' }),
    )
    expect(allowed.assemble(instanceOf({ weight: 1, depot_load: undefined }), undefined)).toHaveLength(2)
  })

  it('is told apart from one that was not', () => {
    expect(features.keysOf(instanceOf())).toHaveLength(1)
    expect(features.assemble(instanceOf(), undefined)).toEqual([])
  })
})

describe('a challenger for what was sent as tensors', () => {
  const servingOf = (features: string[], tensor: string, shape: number[]) => {
    const manifest = { inputs: [{ features }], outputs: [{ tensor }] }
    return { manifest, tensors: { outputs: [{ name: tensor, type: 'float32', shape }] } } as unknown as ServingVersion
  }
  const champion = servingOf(['weight'], 'p', [-1, 2])
  const row = { values: new Map([['weight', 30]]), inputs: [] }

  it.each([
    ['fits with the same features and outputs', servingOf(['weight'], 'p', [-1, 2]), true],
    ['does not fit with a feature that was not sent', servingOf(['weight', 'height'], 'p', [-1, 2]), false],
    ['does not fit with another output', servingOf(['weight'], 'q', [-1, 2]), false],
    ['does not fit with an output of another width', servingOf(['weight'], 'p', [-1, 1]), false],
  ])('%s', (_, challenger, fits) => {
    expect(fitsSentRow({ challenger, champion, row })).toBe(fits)
  })
})
