import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lanes, type Origin } from '../../contracts/origin.ts'
import { parseConfirmation, toConfirmations } from './confirmation.ts'

const origin: fc.Arbitrary<Origin> = fc.record({
  // The longest that a writer may be called.
  writer_id: fc.constantFrom('w1', 'w2', '"'.repeat(128), '✈'.repeat(128)),
  epoch: fc.constantFrom(1, 2, 4_102_444_800),
  lane: fc.constantFrom(...lanes),
  seq: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
})
const origins = fc.array(origin, { maxLength: 300, size: 'max' })
/** Records whose seqs lie close together, so that there are runs, and gaps of one. */
const dense = fc.array(
  fc.record({
    writer_id: fc.constantFrom('w1', 'w2'),
    epoch: fc.constantFrom(1, 2),
    lane: fc.constant('labels' as const),
    seq: fc.integer({ min: 1, max: 30 }),
  }),
  { maxLength: 100, size: 'max' },
)
const toRecords = (listed: readonly Origin[]) => listed.map((one) => ({ origin: one }))
const keyOf = ({ writer_id, epoch, lane, seq }: Origin) => `${lane}/${epoch}/${writer_id}/${seq}`

function confirmedBy(messages: readonly string[], atMost: number): string[] {
  const keys: string[] = []
  for (const { writer_id, epoch, lane, first_seq, last_seq } of messages.flatMap(parseConfirmation)) {
    for (let seq = first_seq; seq <= last_seq && keys.length <= atMost; seq += 1) {
      keys.push(keyOf({ writer_id, epoch, lane, seq }))
    }
  }
  return keys
}

test('confirms exactly what it was given, in any order and with repeats, each record once', () => {
  fc.assert(
    fc.property(fc.oneof(dense, origins), fc.integer({ min: 1_024, max: 100_000 }), (listed, maxPayload) => {
      const distinct = [...new Set(listed.map(keyOf))].toSorted()
      expect(confirmedBy(toConfirmations(toRecords(listed), maxPayload), distinct.length).toSorted()).toEqual(distinct)
    }),
  )
})

test('no message is above the limit', () => {
  fc.assert(
    fc.property(origins, fc.integer({ min: 1_024, max: 10_000 }), (listed, maxPayload) => {
      for (const message of toConfirmations(toRecords(listed), maxPayload))
        expect(Buffer.byteLength(message)).toBeLessThanOrEqual(maxPayload)
    }),
  )
})

test('what follows one another is one range, and a batch one message', () => {
  const batch = Array.from({ length: 100_000 }, (_, index): Origin => ({ writer_id: 'w1', epoch: 1, lane: 'labels', seq: 100_000 - index }))
  const messages = toConfirmations(toRecords(batch))
  expect(messages.flatMap(parseConfirmation)).toEqual([{ writer_id: 'w1', epoch: 1, lane: 'labels', first_seq: 1, last_seq: 100_000 }])
  expect(messages).toHaveLength(1)
  expect(toConfirmations([])).toEqual([])
})

const range = { writer_id: 'w1', epoch: 1, lane: 'labels', first_seq: 1, last_seq: 2 }
test.each([
  ['no JSON', '{'],
  ['nothing', ''],
  ['another version', JSON.stringify({ schema_version: 2, ranges: [range] })],
  ['no ranges', JSON.stringify({ schema_version: 1 })],
  ['an unknown lane', JSON.stringify({ schema_version: 1, ranges: [{ ...range, lane: 'other' }] })],
  ['a sequence below one', JSON.stringify({ schema_version: 1, ranges: [{ ...range, first_seq: 0 }] })],
  ['a sequence that is text', JSON.stringify({ schema_version: 1, ranges: [{ ...range, last_seq: '2' }] })],
])('%s confirms nothing', (_name, text) => expect(parseConfirmation(text)).toEqual([]))

test('what a newer logger adds does no harm', () => {
  expect(parseConfirmation(JSON.stringify({ schema_version: 1, ranges: [{ ...range, note: 1 }], by: 'x' }))).toMatchObject([range])
})
