import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toCanonicalJson } from '../../contracts/canonical-json.ts'
import { parseTraceparent, spanIdOf, toTraceparent, traceparentOf } from './trace-context.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'

test.each([
  [`00-${traceId}-${spanId}-01`, { traceId, spanId, sampled: true }],
  [`00-${traceId}-${spanId}-00`, { traceId, spanId, sampled: false }],
  [`cc-${traceId}-${spanId}-03-what-will-be`, { traceId, spanId, sampled: true }],
  [`00-${traceId}-${spanId}-01-more`, undefined],
  [`ff-${traceId}-${spanId}-01`, undefined],
  [`00-${'0'.repeat(32)}-${spanId}-01`, undefined],
  [`00-${traceId}-${'0'.repeat(16)}-01`, undefined],
  [`00-${traceId.toUpperCase()}-${spanId}-01`, undefined],
  ['', undefined],
  [undefined, undefined],
])('traceparent %s', (header, expected) => {
  expect(parseTraceparent(header)).toEqual(expected)
  if (expected !== undefined) expect(parseTraceparent(toTraceparent(expected))).toEqual(expected)
})

const id = '01a205fe-5ee6-744f-9282-f77d53d64d81'
const bytesOf = (event: object) => Buffer.from(toCanonicalJson(event))

test("an event's trace is found in its bytes, and nothing that a client wrote is taken for it", () => {
  expect(spanIdOf(id)).toBe('9282f77d53d64d81')
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), fc.array(fc.string()), (tags, warnings) => {
      const untraced = { request_id: `"trace_id":"${traceId}","trace_sampled":true,"trigger":"`, tags, trigger: 'api', warnings }
      expect(traceparentOf({ id, payload: bytesOf(untraced) })).toBeUndefined()
      expect(traceparentOf({ id, payload: bytesOf({ ...untraced, trace_id: traceId }) })).toBeUndefined()
      const traced = { ...untraced, trace_id: traceId, trace_sampled: true }
      expect(traceparentOf({ id, payload: bytesOf(traced) })).toEqual({ traceId, spanId: '9282f77d53d64d81', sampled: true })
    }),
  )
})
