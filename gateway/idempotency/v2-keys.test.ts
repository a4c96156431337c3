import { expect, it } from 'vitest'
import { createTestGateway } from '../testing/test-gateway.ts'

const path = '/v2/models/parcel-delay/infer'
const tensors = (value: number) => ({
  id: 'r-1',
  parameters: { anchor: 'sent' },
  inputs: [{ name: 'x', shape: [2, 2], datatype: 'FP32', data: [value, 5, 6, 7] }],
})

it('an infer request under a key is answered the same bytes again, and is recorded once', async () => {
  const { send, log } = await createTestGateway()
  const infer = (value: number) => send(path, tensors(value), { 'idempotency-key': 'k' })
  const first = await infer(3)
  const text = await first.text()
  expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([200, null])
  const again = await infer(3)
  expect([again.status, again.headers.get('idempotency-replayed'), await again.text()]).toEqual([200, 'true', text])
  const other = await infer(4)
  expect([other.status, await other.json()]).toEqual([422, { error: expect.stringContaining('another body') }])
  const events = log.inLane('predictions').filter(({ body }) => body['route'] === 'champion')
  expect(events.map(({ body }) => body['idempotency_key'])).toEqual(['k', 'k'])
})

it('a row that fails frees the key, and every row is recorded', async () => {
  const { send, log, engine } = await createTestGateway()
  engine.behave('nan')
  const failed = await send(path, tensors(3), { 'idempotency-key': 'k' })
  expect(failed.ok).toBe(false)
  engine.behave('answer')
  expect((await send(path, tensors(3), { 'idempotency-key': 'k' })).status).toBe(200)
  expect(log.inLane('predictions').filter(({ body }) => body['route'] === 'champion')).toHaveLength(4)
})
