import { expect, test } from 'vitest'
import { createTestGateway } from '../testing/test-gateway.ts'
import { tracePredictor } from './trace-predictor.ts'

const good = { entities: { sender: 7 }, anchor: 'sent', features: { weight: 30 } }
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'

test('without tracing the predictor is itself', () => {
  const predict = async () => []
  expect(tracePredictor(predict, undefined, Date.now)).toBe(predict)
})

test.each([
  ['the trace of its caller', `00-${traceId}-00f067aa0ba902b7-01`, traceId],
  ['nothing of a header that is none', `00-${traceId}-0-01`, undefined],
])('an event says %s', async (_, traceparent, expected) => {
  const { send, log } = await createTestGateway()
  const response = await send('/v1/models/parcel-delay/predict', good, { traceparent })
  expect(response.status).toBe(200)
  expect(log.inLane('predictions')[0]?.body['trace_id']).toBe(expected)
})
