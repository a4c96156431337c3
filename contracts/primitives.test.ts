import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { columnName, entityId, name, opaqueId, scalar, timestamp, toTimestamp } from './primitives.ts'

describe('timestamp', () => {
  test('takes every storable moment as it is written', () => {
    const min = new Date('1900-01-01T00:00:00.000Z')
    const max = new Date('2299-12-31T23:59:59.999Z')
    fc.assert(
      fc.property(fc.date({ min, max, noInvalidDate: true }), (date) => {
        expect(Date.parse(timestamp.parse(toTimestamp(date.getTime())))).toBe(date.getTime())
      }),
    )
  })

  test.each(['2001-06-04T14:30:00+02:00', '2001-06-04T12:30:00Z', '2001-06-04T12:30:00.123456Z'])('takes %s', (text) => {
    expect(timestamp.safeParse(text).success).toBe(true)
  })

  test.each([
    '2001-06-04',
    '2001-06-04T12:30:00',
    '2001-06-04 12:30:00Z',
    '2001-02-30T00:00:00Z',
    '2001-06-04T25:00:00Z',
    '1899-12-31T23:59:59.999Z',
    '2300-01-01T00:00:00Z',
    '2299-12-31T23:59:59-01:00',
    'yesterday',
    '',
  ])('refuses %s', (text) => {
    expect(timestamp.safeParse(text).success).toBe(false)
  })
})

describe('names and ids', () => {
  test('a column name is a name without -', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z_0-9-]{0,70}$/), (text) => {
        expect(columnName.safeParse(text).success).toBe(name.safeParse(text).success && !text.includes('-'))
      }),
    )
  })

  test('an integer and its text are the same entity', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (id) => {
        expect(entityId.parse(id)).toBe(entityId.parse(String(id)))
      }),
    )
  })

  test.each([[''], ['a\nb'], ['\u0000'], ['x'.repeat(129)], [1.5], [Number.NaN], [null]])('refuses the id %j', (id) => {
    expect(entityId.safeParse(id).success).toBe(false)
  })

  test('an id may hold any printable text', () => {
    expect(opaqueId.parse("Ωμέγα/7 'quoted'")).toBe("Ωμέγα/7 'quoted'")
  })
})

test.each([[Number.NaN], [Number.POSITIVE_INFINITY], [null], [[]], [{}], ['x'.repeat(1025)]])('%j is no scalar', (value) => {
  expect(scalar.safeParse(value).success).toBe(false)
})
