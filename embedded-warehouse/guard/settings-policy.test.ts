import { describe, expect, test } from 'vitest'
import { createSettingsPolicy, defaultAnalystLimits } from './settings-policy.ts'

const current = {
  readonly: '2',
  max_threads: '2',
  allow_ddl: '1',
  result_overflow_mode: 'throw',
  join_use_nulls: '0',
  dialect: 'clickhouse',
}
const policy = createSettingsPolicy(defaultAnalystLimits, new Map(Object.entries(current).map(([name, value]) => [name, { value }])))
const admit = (settings: Record<string, string>) => Object.fromEntries(policy.admit(new Map(Object.entries(settings))))

describe('a request may bring', () => {
  test.each([
    [{ join_use_nulls: '1', output_format_json_quote_64bit_integers: '0' }, 'as it is'],
    [{ max_execution_time: '5' }, 'as it is'],
    [{ cast_string_to_dynamic_use_inference: '1' }, 'as it is'],
    [{ max_rows_to_read: '10' }, 'as it is'],
    [{ readonly: '1' }, {}],
    [{ allow_ddl: '1', dialect: 'clickhouse' }, {}],
    [{ max_execution_time: '600', max_result_rows: '0' }, {}],
    [{ max_result_rows: '10', result_overflow_mode: 'break' }, { limit: '10' }],
    [{ max_result_rows: '10', result_overflow_mode: 'break', limit: '3' }, { limit: '3' }],
    [{ max_result_rows: '2000000', result_overflow_mode: 'break' }, {}],
    [{ result_overflow_mode: 'break' }, {}],
  ])('%o', (settings, applied) => {
    expect(admit(settings)).toEqual(applied === 'as it is' ? settings : applied)
  })
})

test.each([
  { readonly: '0' },
  { dialect: 'kusto' },
  { allow_ddl: '0' },
  { max_threads: 'auto' },
  { max_result_rows: '1e9' },
  { timeout_overflow_mode: 'break' },
  { result_overflow_mode: 'limit' },
  { result_overflow_mode: 'any', max_result_rows: '3' },
  { format_schema: '/etc/passwd' },
  { output_format_schema: '/tmp/x' },
  { format_template_row: '/etc/passwd' },
  { format_avro_schema_registry_url: 'http://127.0.0.1' },
  { profile: 'default' },
  { log_comment_of_mine: '1' },
])('a request may not bring %o', (settings) => {
  expect(() => admit(settings)).toThrow(expect.objectContaining({ type: 'READONLY' }))
})

test('what may be set by some values alone is open, and an error names them', () => {
  for (const name of ['result_overflow_mode', 'readonly', 'max_threads', 'join_use_nulls'])
    expect([name, policy.isOpen(name)]).toEqual([name, true])
  for (const name of ['timeout_overflow_mode', 'dialect', 'allow_ddl']) expect([name, policy.isOpen(name)]).toEqual([name, false])
  expect(() => admit({ result_overflow_mode: 'limit' })).toThrow("may set it to 'throw' or 'break'")
  expect(() => policy.check('result_overflow_mode', 'break')).toThrow('the URL may set it')
})

test('a clause is told that it asks for more, where a URL gets what there is', () => {
  expect(() => policy.check('max_execution_time', '600')).toThrow('its limit is 60')
  expect(() => policy.check('max_execution_time', '60')).not.toThrow()
})
