import { expect, test } from 'vitest'
import { createProgressRows, hasProgressRows } from './progress-rows.ts'

async function pass(...chunks: string[]): Promise<string[]> {
  const passed: string[] = []
  const write = createProgressRows(async (rows) => void passed.push(Buffer.from(rows).toString()))
  for (const chunk of chunks) await write(Buffer.from(chunk))
  return passed
}

test('the first row at hand that tells progress goes first, and all others keep their order', async () => {
  expect(await pass('{"meta":[]}\n{"row":1}\n{"progress":1}\n{"row":2}\n', '{"row":3}\n{"progress":2}\n')).toEqual([
    '{"progress":1}\n{"meta":[]}\n{"row":1}\n{"row":2}\n',
    '{"row":3}\n{"progress":2}\n',
  ])
  expect(await pass('{"progress":1}\n{"row":1}\n{"progress":2}\n')).toEqual(['{"progress":1}\n{"row":1}\n{"progress":2}\n'])
  expect(await pass('{"meta":[]}\n{"row":1}\n')).toEqual(['{"meta":[]}\n{"row":1}\n'])
})

test('text in a row is no row', async () => {
  const row = '{"row":{"s":"\\n{\\"progress\\":1}"}}\n'
  expect(await pass(row)).toEqual([row])
})

test('a row is passed on when it is whole', async () => {
  expect(await pass('{"ro', 'w":"ä', '"}\n{"row":2', '}\n{"row":3')).toEqual(['{"row":"ä"}\n', '{"row":2}\n'])
})

test.each([
  ['JSONEachRowWithProgress', true],
  ['jsonCompactStringsEachRowWithProgress', true],
  ['JSONEachRow', false],
])('%s', (format, expected) => {
  expect(hasProgressRows(format)).toBe(expected)
})
