import fc from 'fast-check'
import { expect, test } from 'vitest'
import canonicalize from 'canonicalize'
import { canonicalHash, isInOrder, sha256Hex, toCanonicalJson } from './canonical-json.ts'

test('is the example of RFC 8785, section 3.2.2', () => {
  const value = {
    numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
    literals: [null, true, false],
  }
  expect(toCanonicalJson(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  )
})

test('sorts keys by UTF-16 code units, as RFC 8785, section 3.2.3, shows', () => {
  const keys = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6']
  const sorted = Object.keys(JSON.parse(toCanonicalJson(Object.fromEntries(keys.map((key) => [`k${key}`, 0])))) as object)
  expect(sorted).toEqual(['\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'].map((key) => `k${key}`))
})

test('the hash does not depend on the order of keys, and reading the text back changes nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const again = JSON.parse(toCanonicalJson(value)) as unknown
      expect(canonicalHash(reverseKeys(value))).toBe(canonicalHash(value))
      expect(toCanonicalJson(again)).toBe(toCanonicalJson(value))
    }),
  )
})

test('another value has another hash', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
      fc.pre(toCanonicalJson(one) !== toCanonicalJson(other))
      expect(canonicalHash(one)).not.toBe(canonicalHash(other))
    }),
  )
})

test('has no form for what JSON cannot say', () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, { deep: [Number.NEGATIVE_INFINITY] }, undefined])
    expect(() => toCanonicalJson(value)).toThrow()
})

test('a field that is undefined is absent', () => {
  expect(canonicalHash({ a: 1, b: undefined })).toBe(canonicalHash({ a: 1 }))
})

test('hashes with SHA-256', () => {
  // FIPS 180-2, appendix B.1
  expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

function reverseKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reverseKeys)
  if (value === null || typeof value !== 'object') return value
  const reversed: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const [key, inner] of Object.entries(value).toReversed()) reversed[key] = reverseKeys(inner)
  return reversed
}

test('is the same text whether or not the keys stand in order already', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = (canonicalize as unknown as (value: unknown) => string)(value)
      expect(toCanonicalJson(value)).toBe(text)
      const ordered = JSON.parse(text) as unknown
      // Keys that are integers come first in every object of JavaScript, whatever their order in a text.
      if (isInOrder(ordered)) expect(JSON.stringify(ordered)).toBe(text)
      expect(toCanonicalJson(ordered)).toBe(text)
    }),
  )
})

test.each([[{ b: 1, a: 1 }], [[{ a: { d: 1, c: 1 } }]], [[undefined]], [{ a: Number.NaN }], [new Date(0)], [1n]])(
  'is not in order, or no JSON: %o',
  (value) => {
    expect(isInOrder(value)).toBe(false)
  },
)
