import { describe, expect, it } from 'vitest'
import type { ProjectVersion } from '../../platform/project/project.ts'
import { loadProject } from '../../platform/project/load-project.ts'
import { applyChange } from '../../features/engine/apply-change.ts'
import { type Block, emptyBlock } from '../../features/engine/block.ts'
import { encodeBlock } from '../../features/engine/block-codec.ts'
import { compileView, type TileGrid } from '../../features/engine/compile-view.ts'
import { toFact } from '../../features/engine/fact.ts'
import { blockKey, pageOf, readyKey } from '../../features/engine/store-keys.ts'
import { createVersionFeatures } from './version-features.ts'
import { type Instance } from './prediction.ts'

const noon = Date.UTC(2001, 5, 4, 12)
const minute = 60_000
const project = await loadProject(new URL('../../models', import.meta.url).pathname)
const model = project.models.get('flight-delay')!
const names = ['distance', 'hour', 'origin_arrivals_count_3h', 'origin_arrivals_mean_delay_3h', 'destination_arrivals_count_3h']
const version = { manifest: { inputs: [{ features: names }] } } as unknown as ProjectVersion
const features = createVersionFeatures(project)(model, version)

const instance: Instance = {
  index: 0,
  decisionId: 'd',
  tenant: 'default',
  entities: { origin: 'SFO', destination: 'JFK' },
  anchor: 'departure',
  anchorTimeMs: noon,
  features: { distance: 2586 },
  tags: [],
  row: undefined,
}

/** What the store holds of one airport's arrivals, in the engine's own form. */
function arrivalsAt(airport: string, delays: readonly { minutesAgo: number; delay: number }[]): Map<string, Uint8Array> {
  const grid = compileArrivals()
  const page = emptyBlock()
  const blocks = { head: emptyBlock(), page: (): Block => page }
  for (const [index, { minutesAgo, delay }] of delays.entries()) {
    const time = new Date(noon - minutesAgo * minute).toISOString()
    const event = { schema_version: 1, event_id: `e-${index}`, tenant: 'default', payload_hash: '', source: 'flight_landed' } as const
    const body = { keys: { origin: 'OAK', destination: airport }, values: { delay_minutes: delay } }
    const fact = toFact(
      { ...event, ...body, event_time: time, known_at: time, ingested_at: time },
      { writer_id: 'w', epoch: 1, seq: index + 1 },
    )
    applyChange(grid, blocks, { kind: 'put', fact, retractedAtMs: Infinity })
  }
  const address = { storeId: grid.storeId, tenant: 'default', entityId: airport, page: pageOf(grid, noon - minute) }
  return new Map([[blockKey(address), encodeBlock(grid, page).block ?? new Uint8Array()]])
}

/** All windows of the view share a hop, so that it has one grid. */
function compileArrivals(): TileGrid {
  const view = project.views.get('airport_arrivals')!
  return compileView(view, project.sources.get(view.source)!).grids[0]!
}

describe("a version's features", () => {
  it('come from the request, the online store and each other', () => {
    const stored = new Map([
      [readyKey(compileArrivals()), Uint8Array.of(1)],
      ...arrivalsAt('SFO', [
        { minutesAgo: 10, delay: 30 },
        { minutesAgo: 20, delay: 10 },
      ]),
    ])
    const keys = new Set(features.keysOf(instance).map(({ key }) => key))
    expect([...stored.keys()].filter((key) => !keys.has(key))).toEqual([])
    const served = features.assemble(instance, ({ key }) => stored.get(key))
    expect(Object.fromEntries(served.map(({ name, value }) => [name, value]))).toEqual({
      distance: 2586,
      hour: 5,
      origin_arrivals_count_3h: 2,
      origin_arrivals_mean_delay_3h: 20,
      destination_arrivals_count_3h: 0,
    })
    expect(served.find(({ name }) => name === 'origin_arrivals_mean_delay_3h')).toMatchObject({
      source: 'online',
      status: 'ok',
      event_time: '2001-06-04T11:50:00.000Z',
      age_ms: 10 * minute,
      definition: model.featureHashes.get('origin_arrivals_mean_delay_3h'),
    })
  })

  it('are missing, with the reason, where the store has not loaded the view or nobody is in the role', () => {
    const reasonOf = (instance: Instance) =>
      features.assemble(instance, () => undefined).find(({ name }) => name === 'origin_arrivals_count_3h')?.reason
    expect(reasonOf(instance)).toBe('not_ready')
    expect(reasonOf({ ...instance, entities: { destination: 'JFK' } })).toBe('no_entity')
    expect(features.keysOf({ ...instance, entities: {} })).toEqual([])
  })

  it('need no read when the version uses none from the store', () => {
    const baseline = createVersionFeatures(project)(model, { manifest: { inputs: [{ features: ['distance', 'hour'] }] } } as never)
    expect(baseline.keysOf(instance)).toEqual([])
  })
})
