import { describe, expect, test } from 'vitest'
import { featureViewDefinition } from '../../contracts/feature-view.ts'
import { modelDefinition, type ModelFeature } from '../../contracts/model-definition.ts'
import type { Scalar } from '../../contracts/primitives.ts'
import type { FeatureValue } from '../engine/feature-value.ts'
import { createAssembler } from './assembler.ts'
import type { AssemblyRequest } from './assembly-request.ts'

const anchorTimeMs = Date.parse('2024-05-06T12:00:00.000Z')

const view = featureViewDefinition.parse({
  name: 'card_spend',
  description: '',
  owner: 'tests',
  source: 'purchases',
  key: 'card',
  entity: 'card',
  max_age_seconds: 60,
  features: [{ name: 'sum_1h', aggregation: 'sum', value: 'amount', window_seconds: 3600 }],
})

type Online = Partial<Extract<ModelFeature, { source: 'online' }>>
type Request = Partial<Extract<ModelFeature, { source: 'request' }>>

function assemblerOf({
  online = {},
  request = {},
  names = ['amount', 'spent', 'amount_log'],
}: {
  online?: Online
  request?: Request
  names?: string[]
}) {
  const definition = modelDefinition.parse({
    name: 'fraud',
    description: '',
    owner: 'tests',
    task: 'regression',
    primary_label: 'loss',
    entities: { card: { entity: 'card' } },
    outputs: { score: { description: '' } },
    score: 'score',
    anchors: {
      checkout: { description: '', features: ['amount', 'amount_log', 'spent', 'card_id'] },
      browse: { description: '', features: ['amount', 'amount_log'] },
    },
    features: [
      { name: 'amount_log', source: 'derived', derive: { function: 'log1p', of: 'amount' } },
      { name: 'amount', source: 'request', min: 0, max: 1000, ...request },
      { name: 'spent', source: 'online', view: 'card_spend', feature: 'sum_1h', entity: 'card', ...online },
      { name: 'card_id', source: 'request', type: 'text', from_entity: 'card' },
    ],
  })
  const features = new Map(definition.features.map((feature) => [feature.name, feature]))
  const featureHashes = new Map([...features.keys()].map((name) => [name, `hash of ${name}`]))
  const project = { views: new Map([['card_spend', view]]), lookups: new Map() }
  return createAssembler({ project, model: { definition, features, featureHashes }, names })
}

type Asked = Partial<Omit<AssemblyRequest, 'features' | 'online'>> & { features?: Record<string, Scalar>; stored?: FeatureValue }

function ask({ stored, ...asked }: Asked): AssemblyRequest {
  const online = () => (stored === undefined ? undefined : new Map([['sum_1h', stored]]))
  return { anchor: 'checkout', anchorTimeMs, entities: { card: '7' }, features: { amount: 3 }, online, ...asked }
}

const fresh: FeatureValue = { status: 'ok', value: 12.5, eventTimeMs: anchorTimeMs - 60_000 }
const old: FeatureValue = { status: 'ok', value: 12.5, eventTimeMs: anchorTimeMs - 60_001 }

describe('assemble', () => {
  test('gives what the names need, in the order of model.yaml, with value, origin and definition', () => {
    expect(assemblerOf({ names: ['amount_log', 'spent'] }).assemble(ask({ stored: fresh }))).toEqual([
      { name: 'amount_log', value: Math.log1p(3), status: 'ok', source: 'derived', definition: 'hash of amount_log' },
      { name: 'amount', value: 3, status: 'ok', source: 'request', definition: 'hash of amount' },
      {
        name: 'spent',
        value: 12.5,
        status: 'ok',
        event_time: '2024-05-06T11:59:00.000Z',
        age_ms: 60_000,
        source: 'online',
        definition: 'hash of spent',
      },
    ])
  })

  test('an empty count has a value and no event time', () => {
    const [, , spent] = assemblerOf({}).assemble(ask({ stored: { status: 'ok', value: 0 } }))
    expect(spent).toEqual({ name: 'spent', value: 0, status: 'ok', source: 'online', definition: 'hash of spent' })
  })

  test('takes the id of a role, and refuses another one', () => {
    const assembler = assemblerOf({ names: ['card_id'] })
    expect(assembler.assemble(ask({}))[0]).toMatchObject({ name: 'card_id', value: '7', status: 'ok' })
    expect(() => assembler.assemble(ask({ features: { card_id: '8' } }))).toThrow(expect.objectContaining({ code: 'invalid_request' }))
    expect(() => assembler.assemble(ask({ entities: {} }))).toThrow(expect.objectContaining({ code: 'missing_feature' }))
  })

  test.each<[string, Record<string, Scalar>, string]>([
    ['nothing for a required one', {}, 'missing_feature'],
    ['text for a number', { amount: '3' }, 'invalid_request'],
    ['a boolean for a number', { amount: true }, 'invalid_request'],
    ['too little', { amount: -0.01 }, 'out_of_range'],
    ['too much', { amount: 1000.01 }, 'out_of_range'],
    ['infinity', { amount: Infinity }, 'not_finite'],
  ])('refuses %s', (_, features, code) => {
    expect(() => assemblerOf({}).assemble(ask({ features }))).toThrow(expect.objectContaining({ code, path: 'features.amount' }))
  })

  test.each([
    ['amonut', 'did you mean "amount"?'],
    ['spent', undefined],
    ['constructor', 'there is amount, card_id'],
  ])('refuses a sent %s', (name, hint) => {
    const refused = () => assemblerOf({}).assemble(ask({ features: { amount: 3, [name]: 1 } }))
    expect(refused).toThrow(expect.objectContaining({ code: 'unknown_feature', path: `features.${name}`, hint }))
  })

  test.each<[Request, object]>([
    [{ on_missing: 'missing' }, { status: 'missing', reason: 'not_sent' }],
    [
      { on_missing: 'default', default: 5 },
      { value: 5, status: 'defaulted', reason: 'not_sent' },
    ],
  ])('a request feature that is not sent: %j', (request, expected) => {
    const [log, amount] = assemblerOf({ request }).assemble(ask({ features: {} }))
    expect(amount).toEqual({ name: 'amount', source: 'request', definition: 'hash of amount', ...expected })
    expect(log).toMatchObject('value' in expected ? { value: Math.log1p(5) } : { status: 'missing', reason: 'missing_input' })
  })

  test.each<[FeatureValue | undefined, Online, object]>([
    [{ status: 'missing', reason: 'no_events' }, {}, { status: 'missing', reason: 'no_events' }],
    [
      { status: 'missing', reason: 'no_events' },
      { on_missing: 'default', default: 1 },
      { value: 1, status: 'defaulted', reason: 'no_events' },
    ],
    [{ status: 'missing', reason: 'anchor_too_old' }, { on_missing: 'reject' }, { status: 'missing', reason: 'anchor_too_old' }],
    [
      { status: 'missing', reason: 'anchor_too_old' },
      { on_anchor_too_old: 'default', default: 1 },
      { value: 1, status: 'defaulted' },
    ],
    [undefined, {}, { status: 'missing', reason: 'not_ready' }],
    [old, {}, { value: 12.5, status: 'stale', reason: 'older_than_max_age', age_ms: 60_001 }],
    [old, { on_stale: 'missing' }, { status: 'missing', reason: 'older_than_max_age', age_ms: 60_001 }],
    [old, { on_stale: 'default', default: 1 }, { value: 1, status: 'defaulted', reason: 'older_than_max_age' }],
  ])('an online value %j under %j', (stored, online, expected) => {
    const spent = assemblerOf({ online })
      .assemble(ask({ ...(stored && { stored }) }))
      .at(-1)!
    expect(spent).toMatchObject({ name: 'spent', ...expected })
    expect(spent.value !== undefined).toBe('value' in expected)
  })

  test.each<[FeatureValue, Online, string]>([
    [{ status: 'missing', reason: 'no_events' }, { on_missing: 'reject' }, 'feature_unavailable'],
    [{ status: 'missing', reason: 'anchor_too_old' }, { on_anchor_too_old: 'reject' }, 'anchor_too_old'],
    [old, { on_stale: 'reject' }, 'feature_unavailable'],
  ])('rejects an online value %j under %j', (stored, online, code) => {
    expect(() => assemblerOf({ online }).assemble(ask({ stored }))).toThrow(expect.objectContaining({ code }))
  })

  test.each<[Online, object]>([
    [{}, { status: 'missing', reason: 'store_unavailable' }],
    [
      { on_missing: 'default', default: 1 },
      { value: 1, status: 'defaulted', reason: 'store_unavailable' },
    ],
    [
      { on_missing: 'reject', on_store_unavailable: 'default', default: 1 },
      { value: 1, status: 'defaulted', reason: 'store_unavailable' },
    ],
    [
      { on_missing: 'default', default: 1, on_store_unavailable: 'missing' },
      { status: 'missing', reason: 'store_unavailable' },
    ],
  ])('an online value of a store that does not answer under %j', (online, expected) => {
    const spent = assemblerOf({ online })
      .assemble({ ...ask({ stored: fresh }), storeUnavailable: true })
      .at(-1)!
    expect(spent).toEqual({ name: 'spent', source: 'online', definition: 'hash of spent', ...expected })
  })

  test.each<Online>([{ on_missing: 'reject' }, { on_store_unavailable: 'reject' }])(
    'rejects a store that does not answer under %j',
    (online) => {
      const refused = () => assemblerOf({ online }).assemble({ ...ask({}), storeUnavailable: true })
      expect(refused).toThrow(expect.objectContaining({ code: 'online_store_unavailable' }))
    },
  )

  test('without the entity an online value is missing', () => {
    const assembler = assemblerOf({ names: ['spent'] })
    expect(assembler.assemble(ask({ entities: {}, features: {}, stored: fresh }))).toMatchObject([
      { status: 'missing', reason: 'no_entity' },
    ])
  })

  test('an anchor does not see what it does not allow, and reads nothing for it', () => {
    const assembler = assemblerOf({})
    expect(assembler.onlineReads('checkout')).toEqual([{ view: 'card_spend', role: 'card' }])
    expect(assembler.onlineReads('browse')).toEqual([])
    const spent = assembler.assemble(ask({ anchor: 'browse', stored: fresh })).at(-1)
    expect(spent).toEqual({ name: 'spent', status: 'missing', reason: 'not_allowed', source: 'online', definition: 'hash of spent' })
    expect(() => assembler.assemble(ask({ anchor: 'browse', features: { amount: 3, card_id: '7' } }))).toThrow(
      'not allowed at the anchor browse',
    )
    expect(() => assembler.assemble(ask({ anchor: 'later' }))).toThrow(expect.objectContaining({ code: 'unknown_anchor' }))
  })
})
