import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { acceptedResponse, errorBody } from '../../../contracts/http.ts'
import { labelPayloadHash } from '../../../contracts/label-event.ts'
import { startMigratedWarehouse } from '../../../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../../../embedded-warehouse/testing/warehouse-chdb.ts'
import { createTestGateway } from '../../testing/test-gateway.ts'

const said = { label_id: 'l-1', label: 'came_late', request_id: 'r-1', value_number: 1, event_time: '2001-06-04T12:00:00.000Z' }

/** Predictions of two instances of one request, an hour apart. */
const decided = { first: '01a205fe-5ee6-744f-9282-f77d53d64d81', second: '01a205fe-5ee6-744f-9282-f77d53d64d82' }

let server: TestWarehouse
beforeAll(async () => {
  server = await startMigratedWarehouse()
  const at = { ingested_at: '2001-06-05 00:00:00.000', appended_at: '2001-06-05 00:00:00.000', known_at: '2001-06-05 00:00:00.000' }
  const row = (label_id: string, seq: number, change: object = {}) => ({
    ...said,
    label_id,
    tenant: 'default',
    payload_hash: labelPayloadHash(said),
    event_time: '2001-06-04 12:00:00.000',
    ...at,
    source_kind: 'outcome',
    source_name: 'api',
    retracted: false,
    writer_id: 'w',
    epoch: 1,
    lane: 'labels',
    seq,
    ...change,
  })
  await server.warehouse.insert(
    'bronze.prediction_events',
    Object.entries(decided).map(([name, prediction_id], index) => ({
      prediction_id,
      decision_id: prediction_id,
      tenant: 'default',
      payload_hash: 'a'.repeat(64),
      request_id: 'r-decided',
      index,
      anchor_time: name === 'first' ? '2001-06-04 14:00:00.000' : '2001-06-04 15:00:00.000',
      ...at,
      retention_until: '2200-01-01 00:00:00.000',
    })),
  )
  await server.warehouse.insert('bronze.label_events', [
    row('l-1', 2),
    row('l-1', 3, { ingested_at: '2001-06-06 00:00:00.000', payload_hash: 'f'.repeat(64) }),
    row('l-1', 4, { tenant: 'acme', payload_hash: 'e'.repeat(64), ingested_at: '2001-06-01 00:00:00.000' }),
  ])
})
afterAll(() => server.stop())

describe('what the warehouse holds', () => {
  it('stands: the first under the id, of that tenant, and longer than the store of keys keeps it', async () => {
    const { send, keys } = await createTestGateway({ warehouse: server.warehouse, labelLookupMs: 600_000 })
    const refused = await send('/v1/labels', { ...said, value_number: 0, dry_run: true })
    expect(refused.status).toBe(409)
    expect(errorBody.parse(await refused.json()).error).toMatchObject({
      code: 'label_conflict',
      path: 'label_id',
      message: 'under l-1 stands another label: came_late is 1, received 2001-06-05T00:00:00.000Z',
    })
    expect((await send('/v1/labels', said)).status).toBe(202)
    expect((await send('/v1/labels', { ...said, value_number: 0 })).status).toBe(409)
    expect([...keys.first.values()].map((value) => (JSON.parse(value) as { hash: string }).hash)).not.toContain('f'.repeat(64))
  })

  it('tells what a label supersedes, and that there is nothing of the kind', async () => {
    const { send } = await createTestGateway({ warehouse: server.warehouse, labelLookupMs: 600_000 })
    const warned = async (change: object) => {
      const answer = await send('/v1/labels', { ...said, label_id: 'l-2', dry_run: true, ...change })
      return (acceptedResponse.parse(await answer.json()).warnings ?? []).map(({ code }) => code)
    }
    expect(await warned({ supersedes: 'l-9' })).toEqual(['supersedes_unknown'])
    expect(await warned({ supersedes: 'l-1', request_id: 'r-2' })).toEqual(['supersedes_other_target'])
    expect(await warned({ supersedes: 'l-1' })).toEqual([])
  })

  it("warns of what was known or happened before the decision that a label names by a prediction's or a request's id", async () => {
    const { send } = await createTestGateway({ warehouse: server.warehouse, labelLookupMs: 600_000 })
    const warned = async (change: object) => {
      const answer = await send('/v1/labels', { ...said, label_id: undefined, known_at: undefined, dry_run: true, ...change })
      expect(answer.status).toBe(202)
      return (acceptedResponse.parse(await answer.json()).warnings ?? []).map(({ code, message }) => [code, message.split(' of ').at(-1)])
    }
    const [early, late] = ['2001-06-04T11:00:00Z', '2001-06-04T15:30:00Z']
    const beforeFirst = ['event_before_anchor', '2001-06-04T14:00:00.000Z']
    const beforeSecond = ['event_before_anchor', '2001-06-04T15:00:00.000Z']
    const byPrediction = { request_id: undefined, prediction_id: decided.second.toUpperCase() }
    expect(await warned({ ...byPrediction, event_time: '2001-06-04T14:30:00Z' })).toEqual([beforeSecond])
    expect(await warned({ ...byPrediction, event_time: late })).toEqual([])
    expect(await warned({ ...byPrediction, event_time: late, known_at: early })).toEqual([['known_before_anchor', beforeSecond[1]]])
    expect(await warned({ request_id: 'r-decided', event_time: early })).toEqual([beforeFirst])
    expect(await warned({ request_id: 'r-decided', event_time: '2001-06-04T14:30:00Z' })).toEqual([])
    expect(await warned({ request_id: 'r-decided', index: 1, event_time: '2001-06-04T14:30:00Z' })).toEqual([beforeSecond])
    expect(await warned({ request_id: 'r-decided', index: 2, event_time: early })).toEqual([])
    expect(await warned({ request_id: 'r-unknown', event_time: early })).toEqual([])
    expect(await warned({ request_id: decided.second, event_time: early })).toEqual([])
    expect(await warned({ request_id: undefined, prediction_id: '01a205fe-5ee6-744f-9282-f77d53d64d99', event_time: early })).toEqual([])
    expect(await warned({ request_id: undefined, prediction_id: '11111111-1111-4111-8111-111111111111', event_time: early })).toEqual([])
  })
})
