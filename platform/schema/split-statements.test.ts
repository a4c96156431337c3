import { expect, test } from 'vitest'
import { splitStatements } from './split-statements.ts'

test.each([
  ['two statements', 'SELECT 1; SELECT 2;', ['SELECT 1', 'SELECT 2']],
  ['no semicolon at the end', 'SELECT 1;\nSELECT 2\n', ['SELECT 1', 'SELECT 2']],
  ['a semicolon in a string', "SELECT ';' ; SELECT 2", ["SELECT ';'", 'SELECT 2']],
  [
    'escaped and doubled quotes',
    `SELECT 'it\\'s;', 'it''s;', "a;b", \`c;d\`; SELECT 2`,
    [`SELECT 'it\\'s;', 'it''s;', "a;b", \`c;d\``, 'SELECT 2'],
  ],
  [
    'a semicolon in a comment',
    '-- first; not a split\nSELECT 1 /* ; */ + 2; SELECT 3',
    ['-- first; not a split\nSELECT 1 /* ; */ + 2', 'SELECT 3'],
  ],
  ['a quote in a comment', "SELECT 1; -- it's fine\nSELECT 2;", ['SELECT 1', "-- it's fine\nSELECT 2"]],
  ['a heredoc', 'SELECT $x$a;b$x$; SELECT 2', ['SELECT $x$a;b$x$', 'SELECT 2']],
  ['nothing but comments', '-- only this;\n/* and; this */', []],
])('%s', (_, sql, statements) => {
  expect(splitStatements(sql)).toEqual(statements)
})
