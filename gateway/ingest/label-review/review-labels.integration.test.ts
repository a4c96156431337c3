import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { acceptedResponse, errorBody } from '../../../contracts/http.ts'
import { labelPayloadHash } from '../../../contracts/label-event.ts'
import { startMigratedWarehouse } from '../../../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../../../embedded-warehouse/testing/warehouse-chdb.ts'
import { createTestGateway } from '../../testing/test-gateway.ts'

const said = { label_id: 'l-1', label: 'came_late', request_id: 'r-1', value_number: 1, event_time: '2001-06-04T12:00:00.000Z' }

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
})
