import { describe, expect, it } from 'vitest'
import { featureEventPayloadHash, featureEventV1, rejectedItemV1 } from '../../contracts/feature-event.ts'
import { acceptedResponse, errorBody } from '../../contracts/http.ts'
import { labelList } from '../../contracts/label-definition.ts'
import { labelEventV1, labelPayloadHash } from '../../contracts/label-event.ts'
import { createIdFactory } from '../ids.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { createTestGateway } from '../testing/test-gateway.ts'

const label = { label_id: 'l-1', label: 'came_late', request_id: 'r-1', value_number: 1, event_time: '2001-06-04T14:00:00+02:00' }
const scan = { event_id: 'e-1', keys: { depot: 7 }, values: { delay: 21 }, event_time: '2001-06-04T12:00:00Z' }

async function post(path: string, body: unknown) {
  const gateway = await createTestGateway()
  const response = await gateway.send(path, body)
  return { ...gateway, status: response.status, answer: await response.json() }
}

describe('labels', () => {
  it('are described as their definitions say, categories as texts', async () => {
    const { app } = await createTestGateway()
    const response = await app.request('/v1/labels')
    const { labels } = labelList.parse(await response.json())
    expect([response.status, labels.map(({ name }) => name)]).toEqual([200, ['came_late', 'days_late', 'days_early', 'reason']])
    const common = { description: 'A label.', owner: 'tests', which: 'all', maturity_seconds: 3600, silence: 'unknown' }
    expect(labels.slice(1)).toEqual([
      { ...common, name: 'days_late', type: 'number', unit: 'days', min: 0, max: 60, match: { kind: 'exact' } },
      { ...common, name: 'days_early', type: 'number', match: { kind: 'window', window_seconds: 3600 } },
      {
        ...common,
        name: 'reason',
        type: 'category',
        categories: ['weather', 'strike', '7'],
        match: { kind: 'window', window_seconds: 3600 },
      },
    ])
  })

  it('become events with what the client left out, hashed by what it said', async () => {
    const { status, answer, log } = await post('/v1/labels', label)
    expect(status).toBe(202)
    expect(answer).toEqual({ accepted: 1, rejected: [] })
    const [record] = log.inLane('labels')
    const event = labelEventV1.parse(record!.body)
    expect(event).toMatchObject({
      label_id: 'l-1',
      event_time: '2001-06-04T12:00:00.000Z',
      known_at: event.ingested_at,
      source: { kind: 'outcome', name: 'api' },
      retracted: false,
      tags: [],
    })
    expect(event.payload_hash).toBe(labelPayloadHash({ ...label, event_time: '2001-06-04T12:00:00.000Z' }))
    expect(record).toMatchObject({ kind: 'event', id: 'l-1' })
  })

  it('of a category are the same statement as a number and as its digits', async () => {
    const events = []
    for (const value of [{ value_number: 7 }, { value_text: '7' }]) {
      const { value_number: _, ...rest } = label
      const { answer, log } = await post('/v1/labels', { ...rest, label: 'reason', ...value })
      expect(answer).toEqual({ accepted: 1, rejected: [] })
      events.push(labelEventV1.parse(log.inLane('labels')[0]!.body))
    }
    expect(events[0]).toMatchObject({ value_text: '7', payload_hash: events[1]!.payload_hash })
    expect(events[0]).not.toHaveProperty('value_number')
  })

  it('get an id of ours when they have none', async () => {
    const { label_id: _, ...without } = label
    const { log } = await post('/v1/labels', without)
    expect(log.inLane('labels')[0]!.body['label_id']).toMatch(/^[0-9a-f-]{36}$/)
  })

  it.each([
    ['an unknown label', { label: 'come_late' }, 'unknown_label', 'label', /did you mean "came_late"/],
    ['a binary value of 2', { value_number: 2 }, 'out_of_range', 'value_number', /neither 0 nor 1/],
    ['a number above the maximum', { label: 'days_late', value_number: 61 }, 'out_of_range', 'value_number', /maximum of 60/],
    ['a number below the minimum', { label: 'days_late', value_number: -1 }, 'out_of_range', 'value_number', /minimum of 0/],
    ['text for a number', { value_number: undefined, value_text: 'yes' }, 'invalid_request', 'value_text', /takes value_number/],
    ['a number that is no category', { label: 'reason' }, 'out_of_range', 'value_number', /no such category/],
    [
      'a number that nobody can compute with',
      { label: 'days_early', value_number: -1e101 },
      'out_of_range',
      'value_number',
      /-1e\+100 to 1e\+100/,
    ],
    [
      'an unknown category',
      { label: 'reason', value_number: undefined, value_text: 'wether' },
      'out_of_range',
      'value_text',
      /did you mean "weather"/,
    ],
    [
      'no anchor time to match exactly',
      { request_id: undefined, entities: { depot: 'BER' } },
      'invalid_request',
      'anchor_time',
      /need an anchor_time/,
    ],
  ])('that break their definition are refused and kept: %s', async (_, change, code, path, message) => {
    const broken = { ...label, label_id: 'bad', ...change }
    const { status, answer, log } = await post('/v1/labels', { labels: [label, broken] })
    expect(status).toBe(202)
    expect(acceptedResponse.parse(answer)).toMatchObject({ accepted: 1, rejected: [{ index: 1, code, path }] })
    const [event, reject] = log.inLane('labels')
    expect(event).toMatchObject({ kind: 'event', id: 'l-1' })
    expect(reject).toMatchObject({ kind: 'reject', id: 'bad' })
    const kept = rejectedItemV1.parse(reject!.body)
    expect(kept).toMatchObject({ kind: 'label', name: broken.label, code, path, item: JSON.parse(JSON.stringify(broken)) as object })
    expect(kept.message).toMatch(message)
  })

  it.each([
    ['no target', { request_id: undefined }, 'prediction_id'],
    ['two targets', { entities: { depot: 'BER' } }, 'entities'],
    ['an index without a request', { request_id: undefined, entities: { depot: 'BER' }, index: 0 }, 'index'],
    ['an anchor time for a request', { anchor_time: '2001-06-04T12:00:00Z' }, 'anchor_time'],
    ['no value', { value_number: undefined }, 'value_number'],
    ['two values', { value_text: 'late' }, 'value_text'],
    ['no event time', { event_time: undefined }, 'event_time'],
    ['itself to supersede', { label_id: 'l-2', supersedes: 'l-2' }, 'supersedes'],
    ['a prediction id that is none', { request_id: undefined, prediction_id: 'p-1' }, 'prediction_id'],
    ['an unknown field', { colour: 'red' }, 'colour'],
  ])('of the wrong shape refuse the whole: %s', async (_, change, path) => {
    const { status, answer, log } = await post('/v1/labels', { labels: [label, { ...label, ...change }] })
    expect(status).toBe(400)
    expect(errorBody.parse(answer).error).toMatchObject({ code: 'invalid_request', path: `labels[1].${path}` })
    expect(log.appended).toEqual([])
  })

  it('may be withdrawn without a value', async () => {
    const { answer } = await post('/v1/labels', { ...label, value_number: undefined, retracted: true })
    expect(answer).toEqual({ accepted: 1, rejected: [] })
  })

  it('are only judged in a dry run', async () => {
    const { answer, log } = await post('/v1/labels', { labels: [label, { ...label, value_number: 7 }], dry_run: true })
    expect(acceptedResponse.parse(answer)).toMatchObject({ accepted: 1, rejected: [{ index: 1, code: 'out_of_range' }] })
    expect((await post('/v1/labels', { ...label, dry_run: true })).log.appended).toEqual([])
    expect(log.appended).toEqual([])
    expect((await post('/v1/labels', { ...label, dry_run: 'yes' })).status).toBe(400)
  })
})

describe('a label_id', () => {
  const other = { ...label, value_number: 0 }
  const conflict = { code: 'label_conflict', path: 'label_id', message: expect.stringContaining('came_late is 1, received 20') as string }

  it('with another value is 409 with what stands; with the same, as a retry has it, it is taken', async () => {
    const { send, log } = await createTestGateway()
    expect((await send('/v1/labels', label)).status).toBe(202)
    expect((await send('/v1/labels', { ...label, event_time: '2001-06-04T12:00:00.000Z' })).status).toBe(202)
    const refused = await send('/v1/labels', other)
    expect(refused.status).toBe(409)
    expect(refused.headers.get('retry-after')).toBeNull()
    expect(errorBody.parse(await refused.json()).error).toMatchObject({
      ...conflict,
      hint: expect.stringContaining('supersedes') as string,
    })
    expect(log.inLane('labels').map(({ kind }) => kind)).toEqual(['event', 'event', 'reject'])
    expect((await send('/v1/labels', { ...other, label_id: 'l-2', supersedes: 'l-1' })).status).toBe(202)
  })

  it('with another value among others refuses that one, in one request too', async () => {
    const { send } = await createTestGateway()
    const answer = await send('/v1/labels', { labels: [label, other, label, { ...label, label_id: 'l-2' }] })
    expect([answer.status, await answer.json()]).toEqual([202, { accepted: 3, rejected: [{ index: 1, ...conflict }] }])
  })

  it('is judged in a dry run and kept by none', async () => {
    const { send, keys } = await createTestGateway()
    await send('/v1/labels', { ...label, dry_run: true })
    expect(keys.first.size).toBe(0)
    await send('/v1/labels', label)
    expect((await send('/v1/labels', { ...other, dry_run: true })).status).toBe(409)
  })

  it('of a label that breaks its definition, or could not be stored, is free', async () => {
    const { send, log } = await createTestGateway()
    await send('/v1/labels', { ...label, value_number: 7 })
    log.break()
    expect((await send('/v1/labels', label)).status).toBe(503)
    log.mend()
    expect((await send('/v1/labels', other)).status).toBe(202)
  })

  it('is taken when the store of keys is away, and nothing waits for it', async () => {
    const { send, keys } = await createTestGateway()
    await send('/v1/labels', label)
    keys.fail('keepFirst')
    expect((await send('/v1/labels', other)).status).toBe(202)
    keys.heal()
    const resume = keys.holdNext('keepFirst')
    expect((await send('/v1/labels', other)).status).toBe(202)
    resume()
  })

  it("is another tenant's too", async () => {
    const { send, keys } = await createTestGateway()
    await send('/v1/labels', label)
    expect([...keys.first.keys()]).toEqual(['default:l-1'])
  })
})

describe('warnings of labels', () => {
  const decided = { label: 'came_late', entities: { depot: 'BER' }, anchor_time: '2001-06-04T12:00:00Z', value_number: 1 }
  const after = '2001-06-04T13:00:00Z'
  const inAYear = new Date(Date.now() + 365 * 24 * 3600 * 1000).toISOString()

  it.each([
    ['known before the decision', { ...decided, event_time: after, known_at: '2001-06-04T11:59:59.999Z' }, ['known_before_anchor']],
    ['that happened before it', { ...decided, event_time: '2001-06-04T11:00:00Z' }, ['event_before_anchor']],
    ['known in the future', { ...label, label_id: undefined, known_at: inAYear }, ['known_in_future']],
    ['known and happened at the decision', { ...decided, event_time: '2001-06-04T12:00:00Z', known_at: '2001-06-04T12:00:00Z' }, []],
  ])('tell one %s', async (_, sent, codes) => {
    const { answer, status } = await post('/v1/labels', { labels: [{ ...label, label_id: 'l-0' }, sent] })
    expect(status).toBe(202)
    const { warnings = [] } = acceptedResponse.parse(answer)
    expect(warnings.map(({ index, code }) => [index, code])).toEqual(codes.map((code) => [1, code]))
  })

  it.each([
    ['about another label', { label: 'days_late', value_number: 3 }, ['supersedes_other_label']],
    ['about another request', { request_id: 'r-2' }, ['supersedes_other_target']],
    ['about the same, named otherwise', { request_id: undefined, entities: { depot: 'BER' }, anchor_time: '2001-06-04T11:00:00Z' }, []],
    ['about the same', {}, []],
    ['that cannot be looked up', { supersedes: 'l-9' }, []],
  ])('tell one that supersedes another %s', async (_, change, codes) => {
    const { send } = await createTestGateway()
    await send('/v1/labels', label)
    const answer = await send('/v1/labels', { ...label, label_id: 'l-2', supersedes: 'l-1', ...change })
    const { warnings = [] } = acceptedResponse.parse(await answer.json())
    expect(warnings.map(({ code }) => code)).toEqual(codes)
  })
})

describe('the anchor times of what labels name', () => {
  const early = { ...label, label_id: undefined, event_time: '1999-01-01T00:00:00Z' }

  it.each([
    ['never answers', () => new Promise<never>(() => undefined)],
    ['fails', () => Promise.reject(new Error('away'))],
  ])('are done without where the warehouse %s', async (_, query) => {
    const { send } = await createTestGateway({ warehouse: { query } as unknown as Warehouse, labelLookupMs: 10 })
    for (const target of [{}, { request_id: undefined, prediction_id: createIdFactory()() }]) {
      const answer = await send('/v1/labels', { ...early, ...target })
      expect([answer.status, await answer.json()]).toEqual([202, { accepted: 1, rejected: [] }])
    }
  })

  it('are asked for one question at a time, and only where a label names a decision by an id', async () => {
    let asked = 0
    const query = () => ((asked += 1), new Promise<never>(() => undefined))
    const { send } = await createTestGateway({ warehouse: { query } as unknown as Warehouse, labelLookupMs: 10 })
    const exact = { request_id: undefined, entities: { depot: 'BER' }, anchor_time: '2001-06-04T12:00:00Z' }
    expect((await send('/v1/labels', { ...early, ...exact })).status).toBe(202)
    expect(asked).toBe(0)
    await Promise.all([send('/v1/labels', early), send('/v1/labels', { labels: [early, early] })])
    expect(asked).toBe(1)
  })
})

describe('feature events', () => {
  it('become events of their source', async () => {
    const { status, log } = await post('/v1/events/scans', scan)
    expect(status).toBe(202)
    const event = featureEventV1.parse(log.inLane('feature_events')[0]!.body)
    expect(event).toMatchObject({
      source: 'scans',
      event_id: 'e-1',
      keys: { depot: '7' },
      values: { delay: 21 },
      known_at: event.ingested_at,
    })
    const said = { event_id: 'e-1', keys: { depot: '7' }, values: { delay: 21 }, event_time: '2001-06-04T12:00:00.000Z' }
    expect(event.payload_hash).toBe(featureEventPayloadHash('scans', said))
  })

  it.each([
    ['below its minimum', { values: { delay: -1300 } }, 'out_of_range', 'values.delay'],
    ['above its maximum', { values: { delay: 601 } }, 'out_of_range', 'values.delay'],
  ])('with a value %s are refused and kept', async (_, change, code, path) => {
    const { answer, log } = await post('/v1/events/scans', { events: [{ ...scan, ...change }, scan] })
    expect(acceptedResponse.parse(answer)).toMatchObject({ accepted: 1, rejected: [{ index: 0, code, path }] })
    const [reject, event] = log.inLane('feature_events')
    expect(rejectedItemV1.parse(reject!.body)).toMatchObject({ kind: 'feature_event', name: 'scans', code, item: { ...scan, ...change } })
    expect(event!.kind).toBe('event')
  })

  it.each([
    ['a value of the wrong type', { values: { delay: 'late' } }, 'values.delay'],
    ['a required value missing', { values: {} }, 'values.delay'],
    ['a value that the source lacks', { values: { delay: 1, dely: 1 } }, 'values.dely'],
    ['a key that the source lacks', { keys: { depot: 'BER', hub: 'X' } }, 'keys.hub'],
    ['a key missing', { keys: {} }, 'keys.depot'],
  ])('of the wrong shape refuse the whole: %s', async (_, change, path) => {
    const { status, answer, log } = await post('/v1/events/scans', { events: [scan, { ...scan, ...change }] })
    expect(status).toBe(400)
    expect(errorBody.parse(answer).error).toMatchObject({ code: 'invalid_request', path: `events[1].${path}` })
    expect(log.appended).toEqual([])
  })

  it('may withdraw another without values', async () => {
    const { answer } = await post('/v1/events/scans', { ...scan, event_id: 'e-2', values: undefined, retracts: 'e-1' })
    expect(answer).toEqual({ accepted: 1, rejected: [] })
  })

  it('of an unknown source are refused with the nearest name', async () => {
    const { status, answer } = await post('/v1/events/scan', scan)
    expect(status).toBe(404)
    expect(errorBody.parse(answer).error).toMatchObject({ code: 'unknown_source', hint: 'did you mean "scans"?' })
  })

  it('are waited for until the online store has applied them', async () => {
    const gateway = await createTestGateway()
    const answer = gateway.send('/v1/events/scans?wait=applied', { events: [scan, { ...scan, event_id: 'e-2' }] })
    await expect.poll(() => gateway.log.appended.length).toBe(2)
    gateway.online.setApplied([{ writer_id: 'test', epoch: 1, seq: 1 }])
    await new Promise((resolve) => setTimeout(resolve, 20))
    gateway.online.setApplied([{ writer_id: 'test', epoch: 1, seq: 2 }])
    expect(await (await answer).json()).toEqual({ accepted: 2, rejected: [], applied: true })
  })

  it('are answered as not applied when the wait runs out', async () => {
    expect((await post('/v1/events/scans?wait=applied&timeout_ms=20', scan)).answer).toMatchObject({ accepted: 1, applied: false })
    expect((await post('/v1/events/scans?wait=forever', scan)).status).toBe(400)
  })
})
