import { MsgHdrsImpl } from '@nats-io/transport-node'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { opaqueId } from '../../contracts/primitives.ts'
import { lanes } from '../../contracts/origin.ts'
import type { LogRecord } from '../event-log/event-log.ts'
import { toHeaders, toRecord } from './message-nats.ts'

const anyText = fc.string({ unit: 'binary', minLength: 1, maxLength: 128 })
const hex = (digits: number) =>
  fc.bigInt({ min: 1n, max: 16n ** BigInt(digits) - 1n }).map((value) => value.toString(16).padStart(digits, '0'))
const common = {
  origin: fc.record({
    writer_id: anyText.filter((text) => opaqueId.safeParse(text).success),
    epoch: fc.integer({ min: 1 }),
    lane: fc.constantFrom(...lanes),
    seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  }),
  kind: fc.constantFrom('event', 'reject', 'seal'),
  id: anyText,
  appendedAtMs: fc.integer({ min: 0, max: 2 ** 45 }),
  payload: fc.uint8Array(),
}
const anyRecord: fc.Arbitrary<LogRecord> = fc.oneof(
  fc.record(common),
  fc.record({ ...common, trace: fc.record({ traceId: hex(32), spanId: hex(16), sampled: fc.boolean() }) }),
)

const example: LogRecord = {
  origin: { writer_id: 'w1', epoch: 1, lane: 'labels', seq: 7 },
  kind: 'event',
  id: 'a',
  appendedAtMs: 5,
  payload: Uint8Array.of(1),
}

const overTheWire = (record: LogRecord) =>
  toRecord({ headers: MsgHdrsImpl.decode((toHeaders(record) as MsgHdrsImpl).encode()), data: record.payload })

test('any record comes back as it was, whatever its id and payload', () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      expect(overTheWire(record)).toEqual(record)
    }),
  )
})

test.each(['a\r\nNats-Msg-Id: x', '%41', ' a ', '\u0000', 'Zürich ✈', '+', ':'])('keeps the id %j', (id) => {
  expect(overTheWire({ ...example, id })?.id).toBe(id)
})

test.each([' w1 ', 'Zürich ✈', '%41', 'a:b'])('keeps the writer id %j', (writer_id) => {
  expect(overTheWire({ ...example, origin: { ...example.origin, writer_id } })?.origin.writer_id).toBe(writer_id)
})

test.each([
  ['Hindsight-Writer', ''],
  ['Hindsight-Epoch', '0'],
  ['Hindsight-Epoch', 'x'],
  ['Hindsight-Lane', 'elsewhere'],
  ['Hindsight-Seq', '1.5'],
  ['Hindsight-Kind', 'other'],
  ['Hindsight-Appended-At', 'soon'],
  ['Hindsight-Id', '%'],
])('with %s: %s it is no record', (name, value) => {
  const changed = toHeaders(example)
  changed.set(name, value)
  expect(toRecord({ headers: changed, data: example.payload })).toBeUndefined()
})

test.each(['Hindsight-Writer', 'Hindsight-Epoch', 'Hindsight-Lane', 'Hindsight-Seq', 'Hindsight-Kind'])(
  'without %s it is no record',
  (name) => {
    const changed = toHeaders(example)
    changed.delete(name)
    expect(toRecord({ headers: changed, data: example.payload })).toBeUndefined()
  },
)

test('a message without headers is no record', () => {
  expect(toRecord({ headers: undefined, data: example.payload })).toBeUndefined()
})
