import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'
import { parseSubjectPattern } from './subject-pattern.ts'

test.each([
  ['labels.{tenant}.>', 'labels.*.>', 'labels.acme.arrivals.late', 'acme'],
  ['{tenant}.labels', '*.labels', 'acme.labels', 'acme'],
  ['a.*.{tenant}', 'a.*.*', 'a.b.c', 'c'],
])('%s is consumed as %s, and names the tenant', (pattern, filter, subject, tenant) => {
  const parsed = parseSubjectPattern(pattern)
  expect(parsed.filter).toBe(filter)
  expect(parsed.tenantOf(subject)).toBe(tenant)
})

test('a token that is no tenant’s name names none', () => {
  const { tenantOf } = parseSubjectPattern('labels.{tenant}.>')
  for (const name of ['Acme', '-acme', 'a'.repeat(65), 'ä']) expect(tenantOf(`labels.${name}.x`)).toBe(undefined)
})

test.each(['labels.>', 'labels.{tenant}.{tenant}', 'labels.{tenant}.>.x', 'labels..{tenant}', 'labels.x{tenant}', 'labels. .{tenant}', ''])(
  'refuses %j',
  (pattern) => {
    expect(() => parseSubjectPattern(pattern)).toThrow('is no subject')
  },
)

test('turns are reached in the order in which they were taken, whatever passes first', async () => {
  const take = createTurns()
  const turns = [take(), take(), take()]
  const reached: number[] = []
  const work = turns.map(async (turn, at) => {
    await turn.reached()
    reached.push(at)
  })
  turns[1]!.pass()
  await work[0]
  await Promise.resolve()
  expect(reached).toEqual([0])
  turns[0]!.pass()
  await Promise.all(work)
  expect(reached).toEqual([0, 1, 2])
})
