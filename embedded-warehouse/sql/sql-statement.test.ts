import { expect, test } from 'vitest'
import { parseSqlStatement } from './sql-statement.ts'

test.each([
  ['INSERT INTO t FORMAT JSONEachRow\n{"a":1}', 'INSERT INTO t', 'JSONEachRow', '{"a":1}'],
  ['insert into d.t (a, `b c`) settings x = 1 format CSV 1,2', 'insert into d.t (a, `b c`) settings x = 1', 'CSV', '1,2'],
  ["INSERT INTO t VALUES (1, 'a;b')", 'INSERT INTO t', 'Values', " (1, 'a;b')"],
  ['INSERT INTO t FORMAT `CSV` 1', 'INSERT INTO t', 'CSV', '1'],
  ['INSERT INTO t FORMAT RowBinary\n\n\0', 'INSERT INTO t', 'RowBinary', '\n\0'],
  ['INSERT INTO format FORMAT TSV\r\n1', 'INSERT INTO format', 'TSV', '1'],
  ['INSERT INTO d.values (format) FORMAT TSV 1', 'INSERT INTO d.values (format)', 'TSV', '1'],
  ['/* c */ INSERT INTO t -- FORMAT CSV\n FORMAT TSV 1', '/* c */ INSERT INTO t -- FORMAT CSV', 'TSV', '1'],
])('%j is an insert with data', (sql, head, format, data) => {
  const statement = parseSqlStatement(sql)
  expect(statement).toMatchObject({ kind: 'insert', verb: 'INSERT', format })
  expect(statement.head?.trim()).toBe(head)
  expect(sql.slice(statement.dataStart)).toBe(data)
})

test('what follows the data of an insert is data', () => {
  expect(parseSqlStatement('INSERT INTO t FORMAT TSV\n1\n; DROP TABLE t')).toMatchObject({ kind: 'insert', multiple: false })
})

test('an insert of a query has no data', () => {
  expect(parseSqlStatement('INSERT INTO t SELECT 1 FORMAT JSON')).toMatchObject({ kind: 'other', verb: 'INSERT' })
  expect(parseSqlStatement('INSERT INTO t (a) WITH 1 AS x SELECT x')).toMatchObject({ kind: 'other', verb: 'INSERT' })
})

test.each([
  ['SELECT 1 FORMAT JSON', 'select', 'JSON'],
  ['(SELECT 1) UNION ALL SELECT 2 FORMAT CSV SETTINGS max_threads = 1', 'select', 'CSV'],
  ["SELECT format('{}', 1), t.format FROM t", 'select', undefined],
  ["SELECT * FROM format(JSONEachRow, '{}')", 'select', undefined],
  ['SELECT * FROM (SELECT 1 FORMAT JSON)', 'select', undefined],
  ['WITH 1 AS x SELECT x', 'select', undefined],
  ['SHOW TABLES FORMAT TSV', 'other', 'TSV'],
  ['SELECT 1 FORMAT Null', 'select', 'Null'],
  ['SELECT 1 FORMAT `Null`', 'select', 'Null'],
  ['SELECT 1 FORMAT "TSV" SETTINGS max_threads = 1;', 'select', 'TSV'],
  ['SELECT format x, format `y` FROM t', 'select', undefined],
  ['SELECT format x FROM t FORMAT CSV', 'select', 'CSV'],
  ['SELECT format FORMAT JSON', 'select', 'JSON'],
  ['SET max_threads = 1', 'session', undefined],
  ['USE d', 'session', undefined],
  ['CREATE OR REPLACE TEMPORARY TABLE t (a UInt8)', 'session', undefined],
  ['CREATE TABLE t (a UInt8)', 'other', undefined],
  ['', 'other', undefined],
])('%j is %s in format %s', (sql, kind, format) => {
  const statement = parseSqlStatement(sql)
  expect(statement.kind).toBe(kind)
  expect(statement.format).toBe(format)
})

test.each([
  ['SELECT 1;', false],
  ['SELECT 1; -- end', false],
  ['SELECT 1;;', false],
  ["SELECT ';'", false],
  ['SELECT 1; SELECT 2', true],
  ["SELECT 1; 'x", true],
])('%j holds more than one statement: %s', (sql, multiple) => {
  expect(parseSqlStatement(sql).multiple).toBe(multiple)
})

test('finds the placeholders, and no others', () => {
  expect(parseSqlStatement("SELECT {a:String}, {b : Array(UInt8)}, '{c:String}', x ? y : z, {'k': 1}").parameters).toEqual(['a', 'b'])
})

test('finds the files of the client', () => {
  expect(parseSqlStatement("SELECT 1 INTO OUTFILE 'x'").usesFiles).toBe(true)
  expect(parseSqlStatement("INSERT INTO t FROM INFILE 'x' FORMAT CSV").usesFiles).toBe(true)
  expect(parseSqlStatement('SELECT outfile FROM infile').usesFiles).toBe(false)
})
