import { EngineError } from './engine-error.ts'

/** Statements by the first node of their syntax tree. */
export const allowedRoots: ReadonlySet<string> = new Set([
  'SelectWithUnionQuery',
  'Explain',
  'DescribeQuery',
  'ShowTables',
  'ShowColumns',
  'ShowIndexes',
  'ShowFunctions',
  'ShowEngineQuery',
  'ShowSetting',
  'ShowCreateTableQuery',
  'ShowCreateViewQuery',
  'ShowCreateDatabaseQuery',
  'ExistsTableQuery',
  'ExistsViewQuery',
  'ExistsDatabaseQuery',
])

/** What a query may be made of. A kind of node that is not here is refused, so that new syntax is judged before it is taken. */
export const allowedNodes: ReadonlySet<string> = new Set([
  ...['SelectWithUnionQuery', 'SelectIntersectExceptQuery', 'SelectQuery', 'Subquery', 'WithElement', 'ExpressionList'],
  ...['TablesInSelectQuery', 'TablesInSelectQueryElement', 'TableExpression', 'TableJoin', 'TableIdentifier', 'ArrayJoin', 'SampleRatio'],
  ...['Identifier', 'Literal', 'Function', 'Asterisk', 'QualifiedAsterisk', 'OrderByElement', 'InterpolateElement'],
  ...['ColumnsRegexpMatcher', 'ColumnsListMatcher', 'QualifiedColumnsRegexpMatcher', 'QualifiedColumnsListMatcher'],
  ...[
    'ColumnsTransformerList',
    'ColumnsApplyTransformer',
    'ColumnsExceptTransformer',
    'ColumnsReplaceTransformer',
    'ColumnsReplaceTransformer::Replacement',
  ],
  ...['WindowListElement', 'WindowDefinition', 'Set', 'QueryParameter', 'DataType', 'ColumnDeclaration', 'NameTypePair'],
])

/** What SHOW may show, by the words that follow it. */
export const allowedShows: readonly string[] = [
  'DATABASES',
  'TABLES',
  'FULL TABLES',
  'TEMPORARY TABLES',
  'DICTIONARIES',
  'COLUMNS',
  'FULL COLUMNS',
  'EXTENDED COLUMNS',
  'EXTENDED FULL COLUMNS',
  'INDEX',
  'INDEXES',
  'INDICES',
  'KEYS',
  'EXTENDED INDEX',
  'EXTENDED INDEXES',
  'EXTENDED INDICES',
  'EXTENDED KEYS',
  'CREATE',
  'FUNCTIONS',
  'ENGINES',
  'SETTING',
  'SETTINGS',
  'CHANGED SETTINGS',
]

/** Table functions that make rows out of nothing, or of their own arguments: by name, and whether that may be endless. */
export const allowedTableFunctions: ReadonlyMap<string, 'bounded' | 'endless'> = new Map([
  ['numbers', 'endless'],
  ['numbers_mt', 'endless'],
  ['zeros', 'endless'],
  ['zeros_mt', 'endless'],
  ['generaterandom', 'endless'],
  ['generateseries', 'endless'],
  ['generate_series', 'endless'],
  ['primes', 'endless'],
  ['values', 'bounded'],
  ['sqlstandardvalues', 'bounded'],
  ['null', 'bounded'],
  ['format', 'bounded'],
  ['view', 'bounded'],
  ['viewexplain', 'bounded'],
])

/** Families of functions that compute from their arguments alone. A family that a new engine adds is not among them. */
export const allowedCategories: readonly string[] = [
  ...['Arithmetic', 'Arrays', 'Bit', 'Bitmap', 'Comparison', 'Conditional', 'Dates and Times', 'Distance', 'Encoding', 'Encryption'],
  ...['Financial', 'Geo', 'Geo Polygon', 'Hash', 'IP Address', 'JSON', 'Logical', 'Map', 'Mathematical', 'Null', 'NumericIndexedVector'],
  ...['QBit', 'Random Number', 'Rounding', 'String', 'String Replacement', 'String Search', 'String Splitting', 'Time Series'],
  ...['Time Window', 'Tuple', 'Type Conversion', 'URL', 'UUID'],
]

/** Of the family that holds everything else, and what the parser puts into trees of ordinary queries. */
export const allowedFunctions: ReadonlySet<string> = new Set([
  ...['bar', 'blocknumber', 'blocksize', 'buildid', 'bytesize', 'colorsrgbtooklch', 'coloroklchtosrgb', 'colorsrgbtooklab'],
  ...['coloroklabtosrgb', 'connectionid', 'countdigits', 'currentdatabase', 'currentqueryid', 'currentroles', 'currentschemas'],
  ...['currentuser', 'currentprofiles', 'enabledprofiles', 'enabledroles', 'defaultprofiles', 'defaultroles', 'authenticateduser'],
  ...['defaultvalueofargumenttype', 'defaultvalueoftypename', 'digits', 'displayname', 'dumpcolumnstructure', 'errorcodetoname'],
  ...['finalizeaggregation', 'flipcoordinates', 'formatquery', 'formatqueryornull', 'formatquerysingleline'],
  ...['formatquerysinglelineornull', 'formatreadabledecimalsize', 'formatreadablequantity', 'formatreadablesize'],
  ...['formatreadabletimedelta', 'fqdn', 'getmergetreesetting', 'getsetting', 'getsettingordefault', 'getsizeofenumtype', 'getsubcolumn'],
  ...['gettypeserializationstreams', 'highlightquery', 'hostname', 'icebergbucket', 'icebergtruncate', 'identity', 'ignore', 'indexhint'],
  ...['initialqueryid', 'initialquerystarttime', 'initializeaggregation', 'isconstant', 'isdecimaloverflow', 'lowcardinalityindices'],
  ...['lowcardinalitykeys', 'macnumtostring', 'macstringtonum', 'macstringtooui', 'materialize', 'minsamplesizecontinuous'],
  ...['minsamplesizeconversion', 'neighbor', 'normalizedqueryhash', 'normalizedqueryhashkeepnames', 'normalizequery'],
  ...['normalizequerykeepnames', 'obfuscatequery', 'obfuscatequerywithseed', 'parsereadablesize', 'parsereadablesizeornull'],
  ...['parsereadablesizeorzero', 'parsetimedelta', 'partitionid', 'queryid', 'revision', 'rownumberinallblocks', 'rownumberinblock'],
  ...['runningaccumulate', 'runningdifference', 'runningdifferencestartingwithfirstvalue', 'serveruuid', 'shardcount', 'shardnum'],
  ...['structuretocapnprotoschema', 'structuretoprotobufschema', 'throwif', 'tocolumntypename', 'tokenizequery', 'totypename', 'transform'],
  ...['uptime', 'variantelement', 'varianttype', 'version', 'visiblewidth'],
  ...['_cast', 'casewithexpression', 'nested', 'lambda', 'exists', 'untuple', 'grouping', 'filter'],
])

/** In families that are allowed, and yet not for analysts: they hold a session, or reach outside in some build. */
export const deniedFunctions: ReadonlySet<string> = new Set([
  'file',
  'sleep',
  'sleepeachrow',
  'eval',
  'chdb',
  'reversednsquery',
  'generateserialid',
])

/** Databases whose tables are the engine's own. In one of another engine a table's name can be a file's, or lead to another server. */
export const allowedDatabaseEngines: ReadonlySet<string> = new Set(['Atomic', 'Ordinary', 'Memory', 'Replicated'])

/** Tables that hold their rows themselves, or are made of ones that do. */
export const allowedTableEngine = /^(\w*MergeTree|Memory|Null|Set|Join|Log|TinyLog|StripeLog|View|MaterializedView|System\w*)$/

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
