import { EngineError } from './engine-error.ts'

/** Names of functions, in lower case, as this build of the engine has them. */
export type FunctionCatalog = { deniedFunctions: ReadonlySet<string>; tableFunctions: ReadonlySet<string> }

/** Statements by the first node of their syntax tree. */
export const allowedRoots: ReadonlySet<string> = new Set([
  'SelectWithUnionQuery',
  'Explain',
  'DescribeQuery',
  'ShowTables',
  'ShowColumns',
  'ShowFunctions',
  'ShowEngineQuery',
  'ShowSetting',
  'ShowIndexes',
  'ShowCreateTableQuery',
  'ShowCreateViewQuery',
  'ShowCreateDatabaseQuery',
  'ExistsTableQuery',
  'ExistsViewQuery',
  'ExistsDatabaseQuery',
  'ShowProcesslistQuery',
])

/** Table functions that make rows out of nothing, or of their own arguments. */
export const allowedTableFunctions: ReadonlySet<string> = new Set([
  'numbers',
  'numbers_mt',
  'zeros',
  'zeros_mt',
  'values',
  'sqlstandardvalues',
  'null',
  'generaterandom',
  'generateseries',
  'generate_series',
  'primes',
  'format',
  'view',
])

/** Whole families that read files, dictionaries or other servers, or look into the process. */
export const deniedCategories: readonly string[] = [
  'Dictionary',
  'Embedded Dictionary',
  'Machine Learning',
  'AI',
  'Introspection',
  'Internal',
]

/** The engine puts these of the denied families into trees of ordinary queries. */
export const allowedInternal: ReadonlySet<string> = new Set(['_cast', 'casewithexpression', 'nested', 'tid'])

export const deniedFunctions: ReadonlySet<string> = new Set([
  'file',
  'catboostevaluate',
  'hascolumnintable',
  'joinget',
  'joingetornull',
  'showcertificate',
  'getmacro',
  'getserversetting',
  'getclienthttpheader',
  'tcpport',
  'getserverport',
  'filesystemavailable',
  'filesystemcapacity',
  'filesystemunreserved',
  'sleep',
  'sleepeachrow',
  'generateserialid',
  'globalvariable',
  'transactionid',
  'hasthreadfuzzer',
  'reversednsquery',
  'logtrace',
  'fuzzquery',
  'eval',
  'zookeepersessionuptime',
])

/** The engine's own default database: in it, it reads files under the names of tables. Nothing of Hindsight's is there. */
export const hiddenDatabase = 'default'

const formatting = new Set([
  'date_time_input_format',
  'date_time_output_format',
  'output_format_json_quote_64bit_integers',
  'output_format_json_quote_64bit_floats',
  'output_format_json_quote_denormals',
  'output_format_json_quote_decimals',
  'output_format_json_named_tuples_as_objects',
  'output_format_json_array_of_rows',
  'output_format_json_escape_forward_slashes',
  'output_format_json_validate_utf8',
  'output_format_csv_serialize_tuple_into_separate_columns',
  'format_csv_delimiter',
  'format_csv_null_representation',
  'format_tsv_null_representation',
  'output_format_decimal_trailing_zeros',
  'output_format_pretty_max_rows',
  'output_format_pretty_color',
  'output_format_pretty_row_numbers',
  'output_format_parquet_compression_method',
  'output_format_parquet_string_as_string',
  'output_format_arrow_string_as_string',
  'output_format_arrow_compression_method',
  'output_format_native_use_flattened_dynamic_and_json_serialization',
  'output_format_binary_write_json_as_string',
  'session_timezone',
  'join_use_nulls',
  'joined_subquery_requires_alias',
  'extremes',
  'final',
])

/** Limits that a request may tighten and never lift. */
export type AnalystLimits = {
  max_execution_time: number
  max_result_rows: number
  max_result_bytes: number
  max_memory_usage: number
  max_threads: number
}

export const defaultAnalystLimits: AnalystLimits = {
  max_execution_time: 60,
  max_result_rows: 1_000_000,
  max_result_bytes: 1 << 30,
  max_memory_usage: 2 * (1 << 30),
  max_threads: 2,
}

/** Throws READONLY for a setting that is neither formatting nor a tighter limit. */
export function checkSetting(name: string, value: string, limits: AnalystLimits): void {
  if (formatting.has(name)) return
  if (Object.hasOwn(limits, name) && isTighter(value, limits[name as keyof AnalystLimits])) return
  throw new EngineError(
    164,
    'READONLY',
    `Cannot modify '${name}' setting on the read-only port: it takes formatting settings, and limits that are lower than its own`,
  )
}

function isTighter(value: string, limit: number): boolean {
  const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN
  return number > 0 && number <= limit
}
