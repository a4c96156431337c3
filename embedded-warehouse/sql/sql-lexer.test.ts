import fc from 'fast-check'
import { expect, test } from 'vitest'
import { identifierName, tokenize } from './sql-lexer.ts'

const texts = (sql: string) => [...tokenize(sql)].map((token) => token.text)

test('leaves out space and every kind of comment', () => {
  expect(texts('SELECT 1 -- one\n + /* two ; */ 2 # three\n #! four\n+ 3')).toEqual(['SELECT', '1', '+', '2', '+', '3'])
})

test.each([
  ["'it''s'", ["'it''s'"]],
  ["'a\\'b;'", ["'a\\'b;'"]],
  ['`a``b` "c""d"', ['`a``b`', '"c""d"']],
  ['$$a;b$$', ['$$a;b$$']],
  ['$x$a$$b$x$ 1', ['$x$a$$b$x$', '1']],
  ['$x$ String, $y$ 1', ['$x$', 'String', ',', '$y$', '1']],
  ['$$ 1', ['$', '$', '1']],
  ["‘'’, “'” 1", ["‘'’", ',', "“'”", '1']],
  ["1 //* '\n + 2", ['1', '+', '2']],
  ['{name:Array(String)}', ['{', 'name', ':', 'Array', '(', 'String', ')', '}']],
  ['1e-5 0x1F 1_000', ['1e-5', '0x1F', '1_000']],
  ["'unclosed ; SELECT", ["'unclosed ; SELECT"]],
])('%s', (sql, expected) => {
  expect(texts(sql)).toEqual(expected)
})

test.each([
  ['`a\\nb`', 'a\nb'],
  ['`a\\x41\\q`', 'aAq'],
  ['`a\\``', 'a`'],
  ["`it''s`", "it''s"],
])('the name that %s stands for', (quoted, name) => {
  const [token] = tokenize(quoted)
  expect(token && identifierName(token)).toBe(name)
})

test('the name of a quoted identifier', () => {
  const names = [...tokenize('`a``b` "c\\"d" plain')].map(identifierName)
  expect(names).toEqual(['a`b', 'c"d', 'plain'])
})

test('refuses a text of unclosed heredocs, which would be searched over and over', () => {
  const names = Array.from({ length: 200 }, (_, index) => `$${index}$`)
  expect(() => texts(names.join(' '))).toThrow('heredocs')
})

test('tokens cover any text in order, without overlap', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from(`'"\`\\$-#/*; \nabc1({:‘’“”`)) }), (sql) => {
      let at = 0
      for (const token of tokenize(sql)) {
        expect(token.start).toBeGreaterThanOrEqual(at)
        expect(token.end).toBeGreaterThan(token.start)
        at = token.end
      }
      expect(at).toBeLessThanOrEqual(sql.length)
    }),
  )
})
