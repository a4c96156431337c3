import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMessageBuffer } from './message-buffer.ts'

const limits = { messages: 40, bytes: 100_000 }
const message = (bytes: number) => ({ data: new Uint8Array(bytes) })

test('gives messages in the order in which they came, whatever is taken in between', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 50 })), { maxLength: 3_000, size: 'max' }), (steps) => {
      const buffer = createMessageBuffer<{ data: Uint8Array }>(limits)
      const expected: { data: Uint8Array }[] = []
      for (const bytes of steps) {
        if (bytes === null) {
          expect(buffer.peek()).toBe(expected[0])
          if (expected.shift() !== undefined) buffer.take()
        } else {
          const sent = message(bytes)
          expected.push(sent)
          buffer.push(sent)
        }
      }
      expect(buffer.waiting()).toEqual(expected)
    }),
    { numRuns: 30 },
  )
})

test('has room for a quarter of its messages or for none, and for one at least when it is empty', () => {
  const buffer = createMessageBuffer<{ data: Uint8Array }>(limits)
  expect(buffer.room()).toBe(40)
  for (let count = 0; count < 30; count += 1) buffer.push(message(1))
  expect(buffer.room()).toBe(10)
  buffer.push(message(1))
  expect(buffer.room()).toBe(0)
  while (buffer.peek() !== undefined) buffer.take()
  expect(buffer.room()).toBe(40)
})

test('asks for fewer the larger messages are', () => {
  const buffer = createMessageBuffer<{ data: Uint8Array }>(limits)
  for (let count = 0; count < 1_000; count += 1) {
    buffer.push(message(90_000))
    buffer.take()
  }
  expect(buffer.room()).toBe(1)
  buffer.push(message(90_000))
  expect(buffer.room()).toBe(0)
})
