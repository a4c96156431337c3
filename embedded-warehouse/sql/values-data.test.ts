import { expect, test } from 'vitest'
import { mayCompute } from './values-data.ts'

test.each([
  "(1, 'a'), (2, 'it''s; ok')",
  "(2 + 2, 'x'), (-1, NULL)",
  "('file(x)', '-- no comment', 'a \\' file( ''', [1, 2], {'a': 1})",
  "(fromUnixTimestamp64Nano(1700000000000000000), now(), toDateTime64('2026-01-01', 3, 'UTC'), tuple(1, 'a'), map('a', 1))",
  '(true, inf, nan, DEFAULT)',
  '',
])('computes %s', (rows) => expect(mayCompute(rows)).toBe(true))

test.each([
  "(1, file('/etc/hostname'))",
  "(1, FILE ('x'))",
  "(1, file\n('x'))",
  "(1, `file`('x'))",
  '(1, "file"(\'x\'))',
  "(1, file/* */('x'))",
  "(1, file -- x\n('x'))",
  "((SELECT * FROM file('x')))",
  '((SELECT 1))',
  '(1, $$x$$)',
  "(1, 'a' # '\n, file('x'))",
  "(1, '\\'', file('x'))",
  "(1, 'a''', file('x'))",
  "(arrayMap(x -> file(x), ['x']))",
  '(getServerSetting(0))',
  '(arrayMap(file, [0]))',
  "(1, ‘'’ || file('x') || ‘'’)",
  "(1, “'”, file('x'))",
  "(1, 'a' // '\n || file('x') // '\n)",
  "it ends in a text that does not: ('x",
])('takes literals alone in %s', (rows) => expect(mayCompute(rows)).toBe(false))

test('looks at each place of a long row once', () => {
  expect(mayCompute(`(${'1'.repeat(1_000_000)})`)).toBe(true)
})
