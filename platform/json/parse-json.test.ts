import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { ServiceError } from '../../contracts/errors.ts'
import { parseJson } from './parse-json.ts'

function refusal(text: string): { code: string; path: string | undefined } {
  try {
    parseJson(text)
  } catch (error) {
    if (error instanceof ServiceError) return { code: error.code, path: error.path }
    throw error
  }
  throw new Error('was accepted')
}

/** How often characters of a text are looked at meanwhile. */
function countLooks(work: () => void): number {
  const { charCodeAt } = String.prototype
  let looks = 0
  const counted = vi.spyOn(String.prototype, 'charCodeAt').mockImplementation(function (this: string, at: number) {
    looks++
    return charCodeAt.call(this, at)
  })
  work()
  counted.mockRestore()
  return looks
}

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

describe('parseJson', () => {
  it('reads any plain JSON value as JSON.parse does', () => {
    const plain = fc.jsonValue({ maxDepth: 6 }).filter((value) => !/"(__proto__|constructor)":/.test(JSON.stringify(value)))
    fc.assert(
      fc.property(plain, (value) => {
        const text = JSON.stringify(value, undefined, 1)
        expect(parseJson(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  it.each([
    ['{"features": {"distance": 1e400}}', 'features.distance'],
    ['{"features": {"distance": -1e999}}', 'features.distance'],
    ['{"features": {"distance": NaN}}', 'features.distance'],
    ['{"instances": [{"a": 1}, {"a": -Infinity}]}', 'instances[1].a'],
    ['[Infinity]', '[0]'],
  ])('names the field of a number that is not finite in %s', (text, path) => {
    expect(refusal(text)).toEqual({ code: 'not_finite', path })
  })

  it('leaves NaN and Infinity inside text alone', () => {
    expect(parseJson('{"note": "NaN and \\"Infinity\\""}')).toEqual({ note: 'NaN and "Infinity"' })
  })

  it('accepts 32 levels and refuses 33', () => {
    expect(parseJson(nested(32))).toBeDefined()
    expect(refusal(nested(33)).code).toBe('too_deep')
    expect(refusal('{"a": {"b": '.repeat(20))).toMatchObject({ code: 'too_deep', path: expect.stringMatching(/^a\.b\.a\./) as string })
  })

  it('refuses a depth bomb without parsing it', () => {
    const bomb = '['.repeat(200_000)
    const parse = vi.spyOn(JSON, 'parse')
    expect(refusal(bomb).code).toBe('too_deep')
    expect(parse).not.toHaveBeenCalled()
    parse.mockRestore()
  })

  it('takes linear time for text that never ends', () => {
    const text = `${'"\\"'.repeat(60_000)}NaN`
    expect(countLooks(() => expect(refusal(text).code).toBe('invalid_json'))).toBeLessThanOrEqual(2 * text.length)
  })

  it.each([
    ['{"a": 1, "a": 2}', 'a'],
    ['{"a": [{"b": 1}, {"b": 1, "\\u0062": 2}]}', 'a[1].b'],
    ['{"x": {"__proto__": {"admin": true}}}', 'x.__proto__'],
    ['{"features": {"constructor": 1}}', 'features.constructor'],
  ])('refuses the ambiguous or dangerous names of %s', (text, path) => {
    expect(refusal(text)).toEqual({ code: 'invalid_request', path })
  })

  it('does not take a colon in text for a key', () => {
    expect(parseJson('{"a": "b:c", "d:e": [":"]}')).toEqual({ a: 'b:c', 'd:e': [':'] })
  })

  it('refuses half of a surrogate pair, which no store can hold', () => {
    expect(refusal('{"tags": ["\\ud800"]}')).toEqual({ code: 'invalid_request', path: 'tags[0]' })
    expect(parseJson('["\\ud83d\\ude00"]')).toEqual(['😀'])
  })

  it('refuses U+0000, at which a model would end the text', () => {
    expect(refusal('{"features": {"city": "a\\u0000b"}}')).toEqual({ code: 'invalid_request', path: 'features.city' })
  })

  it.each(['', '{', '{"a" 1}', "{'a': 1}", '[1,]', 'undefined', '{"a": NaNs}'])('says that %j is not JSON', (text) => {
    expect(refusal(text).code).toBe('invalid_json')
  })
})
