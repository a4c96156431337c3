import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { LogRecord } from '../../platform/event-log/event-log.ts'
import { startMigratedWarehouse } from '../../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import { reconcile } from '../reconcile/reconcile.ts'
import { labelEvent, predictionEvent, sealOf, toRecord } from '../testing/records.ts'
import { countRejects, listRejects, readRejects, unsettledIds } from './find-rejects.ts'
import { postItems } from './gateway-items.ts'
import { toRejectText } from './reject-text.ts'
import { retryRejects } from './retry-rejects.ts'
import { writeBatch } from '../testing/write-batch.ts'

type Sent = { url: string; items: Record<string, unknown>[] }

let server: TestWarehouse
let http: Server
let gatewayUrl: string
/** What the gateway is to judge items by, and what it has taken. */
let maxDelay: number
const taken: Sent[] = []

beforeAll(async () => {
  http = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as { events: Record<string, unknown>[]; dry_run: boolean }
      const { status, answer } = judge(body.events)
      if (status === 202 && !body.dry_run) taken.push({ url: request.url ?? '', items: body.events })
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  gatewayUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  server = await startMigratedWarehouse()
  await store(...[1, 2, 3].map((n) => rejectedEvent(n, n * 500)), toRecord('{"values":1}', { seq: 4, ...lane, id: 'odd', kind: 'reject' }))
})
afterAll(async () => {
  http.close()
  await server.stop()
})
beforeEach(() => {
  maxDelay = 1_000
  taken.length = 0
})

function judge(events: Record<string, unknown>[]) {
  const misshapen = events.findIndex((event) => 'unknown_field' in event)
  if (misshapen >= 0)
    return {
      status: 400,
      answer: { error: { code: 'invalid_request', message: 'is unknown', path: `events[${misshapen}].unknown_field`, request_id: 'r' } },
    }
  const rejected = events.flatMap((event, index) =>
    (event['values'] as { delay: number }).delay > maxDelay
      ? [{ index, code: 'out_of_range', path: 'values.delay', message: 'is too much' }]
      : [],
  )
  return { status: 202, answer: { accepted: events.length - rejected.length, rejected } }
}

const lane = { lane: 'feature_events', writerId: 'w' } as const
const receivedAt = '2026-01-05T12:00:00.000Z'

function rejectedEvent(seq: number, delay: number, more: object = {}): LogRecord {
  const item = { keys: { airport: 'ORD' }, values: { delay }, event_time: receivedAt, ...more }
  const reject = { kind: 'feature_event', name: 'arrivals', code: 'out_of_range', path: 'values.delay', message: 'above the maximum' }
  return toRecord(
    { schema_version: 1, tenant: 'default', ...reject, item, ingested_at: receivedAt },
    { ...lane, seq, kind: 'reject', id: `ours-${seq}` },
  )
}

const store = (...records: LogRecord[]) => writeBatch(records, { warehouse: server.warehouse, pause: async () => {}, givenUp: () => true })
const retry = (...ids: string[]) => retryRejects({ warehouse: server.warehouse, post: (request) => postItems(gatewayUrl, request) }, ids)

describe("a client's items", () => {
  test('are listed with counts by code, and told apart by filter', async () => {
    expect(await countRejects(server.warehouse, {})).toEqual([
      { code: 'out_of_range', lane: 'feature_events', count: 3, settled: 0 },
      { code: 'unsupported_schema_version', lane: 'feature_events', count: 1, settled: 0 },
    ])
    const [newest] = await listRejects(server.warehouse, { code: 'out_of_range', limit: 1 })
    expect(newest).toMatchObject({ id: 'w/1/feature_events/3', name: 'arrivals', path: 'values.delay', event_id: 'ours-3' })
    expect(await countRejects(server.warehouse, { lane: 'labels' })).toEqual([])
    expect(await countRejects(server.warehouse, { since: new Date('2026-01-06') })).toEqual([])
  })

  test('go through the gateway again under their id; those that are refused again leave nothing behind', async () => {
    const ids = await unsettledIds(server.warehouse, { code: 'out_of_range' })
    expect(await retry(...ids)).toMatchObject({ accepted: 2, refused: 1, stored: 0, already_settled: 0 })
    expect(taken).toEqual([
      {
        url: '/v1/events/arrivals',
        items: [1, 2].map((n) => ({
          event_id: `ours-${n}`,
          known_at: receivedAt,
          keys: { airport: 'ORD' },
          values: { delay: n * 500 },
          event_time: receivedAt,
        })),
      },
    ])
    expect(await listRejects(server.warehouse, { code: 'out_of_range', limit: 9 })).toMatchObject([
      { id: 'w/1/feature_events/3', retried: { outcome: 'refused', code: 'out_of_range', message: 'values.delay: is too much' } },
      { id: 'w/1/feature_events/2', retried: { outcome: 'accepted' } },
      { id: 'w/1/feature_events/1', retried: { outcome: 'accepted' } },
    ])
  })

  test('a second retry sends only what was refused, and only it once its definition allows it', async () => {
    maxDelay = 2_000
    expect(await retry('w/1/feature_events/1', 'w/1/feature_events/3')).toMatchObject({ accepted: 1, already_settled: 1 })
    expect(taken.flatMap(({ items }) => items)).toMatchObject([{ event_id: 'ours-3' }])
    expect(await unsettledIds(server.warehouse, { code: 'out_of_range' })).toEqual([])
  })

  test('one that has lost its shape holds back no other; one that holds no item is refused', async () => {
    await store(rejectedEvent(11, 1), rejectedEvent(12, 1, { unknown_field: 1 }), rejectedEvent(13, 1, { event_id: 'theirs' }))
    const report = await retry(...[11, 12, 13, 4].map((seq) => `w/1/feature_events/${seq}`))
    expect(report).toMatchObject({ accepted: 2, refused: 2 })
    expect(report.results.filter(({ outcome }) => outcome === 'refused')).toMatchObject([
      { id: 'w/1/feature_events/4', code: 'invalid_event' },
      { id: 'w/1/feature_events/12', code: 'invalid_request', message: 'events[0].unknown_field: is unknown' },
    ])
    expect(taken.flatMap(({ items }) => items.map((item) => item['event_id']))).toEqual(['ours-11', 'theirs'])
  })

  test('without a gateway nothing is recorded as tried', async () => {
    await store(rejectedEvent(21, 1))
    const post = async () => Promise.reject(new Error('no gateway'))
    await expect(retryRejects({ warehouse: server.warehouse, post }, ['w/1/feature_events/21'])).rejects.toThrow('no gateway')
    const [reject] = await readRejects(server.warehouse, ['w/1/feature_events/21'])
    expect(reject).not.toHaveProperty('retried')
  })
})

describe('records of the log', () => {
  test('are decoded by this build and stored once under their origin, beside the reject', async () => {
    const records = [
      toRecord(labelEvent(1), { lane: 'labels', writerId: 'later', seq: 1 }),
      toRecord({ ...predictionEvent(2), schema_version: 9 }, { writerId: 'later', seq: 1 }),
      toRecord(sealOf(1, 1, { writer_id: 'later', lane: 'labels' }), { lane: 'labels', writerId: 'later', seq: 2, kind: 'seal' }),
    ]
    // The label is kept as an older build would have kept it, which did not know its version.
    await rejectAs('unsupported_schema_version', records[0]!)
    await store(records[1]!, records[2]!)
    const ids = ['later/1/labels/1', 'later/1/predictions/1']
    expect(await retry(...ids)).toMatchObject({ stored: 1, refused: 1 })
    expect(await retry(...ids)).toMatchObject({ stored: 0, refused: 1, already_settled: 1 })
    const stored = await server.warehouse.query(`SELECT label_id, toUInt8(seq) AS seq FROM bronze.label_events WHERE writer_id = 'later'`)
    expect(stored).toEqual([{ label_id: 'label-1', seq: 1 }])
    expect(await readRejects(server.warehouse, ['later/1/labels/1'])).toMatchObject([{ retried: { outcome: 'stored' } }])
    expect((await reconcile(server.warehouse)).gaps.filter(({ writer_id }) => writer_id === 'later')).toEqual([])
  })

  test('are shown with their bytes, whatever these are', async () => {
    await store(
      toRecord(new Uint8Array([0xff, 0x00]), { writerId: 'raw', seq: 1 }),
      toRecord('\u001b[2Jno "json"', { writerId: 'raw', seq: 2 }),
    )
    const [bytes, text] = await readRejects(server.warehouse, ['raw/1/predictions/1', 'raw/1/predictions/2'])
    expect(toRejectText(bytes!)).toContain('2 bytes that are no UTF-8, in base64:\n/wA=')
    expect(toRejectText(text!)).toMatch(/^reject {3}raw\/1\/predictions\/2\ncode {5}invalid_json\n[^]*\n\n\\u001b\[2Jno "json"$/)
    await expect(readRejects(server.warehouse, ['raw/1/predictions/3'])).rejects.toMatchObject({ code: 'not_found' })
    await expect(readRejects(server.warehouse, ['3'])).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

async function rejectAs(code: string, record: LogRecord): Promise<void> {
  const { toRejectRow } = await import('../../platform/schema/rows/reject-row.ts')
  await server.warehouse.insert('bronze.rejects', [toRejectRow(record, { code, message: 'schema_version is not known' })])
}
