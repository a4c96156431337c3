import { namesIn } from '../sql/sql-lexer.ts'

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

/** The kinds of nodes that a query may be made of. Any other is refused, so that new syntax is judged before it is taken. */
export const allowedNodes = namesIn(`
  SelectWithUnionQuery, SelectIntersectExceptQuery, SelectQuery, Subquery, WithElement, ExpressionList,
  TablesInSelectQuery, TablesInSelectQueryElement, TableExpression, TableJoin, TableIdentifier, ArrayJoin, SampleRatio,
  Identifier, Literal, Function, Asterisk, QualifiedAsterisk, OrderByElement, InterpolateElement,
  ColumnsRegexpMatcher, ColumnsListMatcher, QualifiedColumnsRegexpMatcher, QualifiedColumnsListMatcher,
  ColumnsTransformerList, ColumnsApplyTransformer, ColumnsExceptTransformer, ColumnsReplaceTransformer,
  ColumnsReplaceTransformer::Replacement,
  WindowListElement, WindowDefinition, Set, QueryParameter, DataType, ColumnDeclaration, NameTypePair
`)

/** The forms of SHOW that analysts may use, by the words that follow it. */
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
export const allowedCategories = namesIn(`
  Arithmetic, Arrays, Bit, Bitmap, Comparison, Conditional, Dates and Times, Distance, Encoding, Encryption,
  Financial, Geo, Geo Polygon, Hash, IP Address, JSON, Logical, Map, Mathematical, Null, NumericIndexedVector,
  QBit, Random Number, Rounding, String, String Replacement, String Search, String Splitting, Time Series,
  Time Window, Tuple, Type Conversion, URL, UUID
`)

/** Functions of the family that holds everything else, and those that the parser puts into trees of ordinary queries. */
export const allowedFunctions = namesIn(`
  bar, blocknumber, blocksize, buildid, bytesize, colorsrgbtooklch, coloroklchtosrgb, colorsrgbtooklab,
  coloroklabtosrgb, connectionid, countdigits, currentdatabase, currentqueryid, currentroles, currentschemas,
  currentuser, currentprofiles, enabledprofiles, enabledroles, defaultprofiles, defaultroles, authenticateduser,
  defaultvalueofargumenttype, defaultvalueoftypename, digits, displayname, dumpcolumnstructure, errorcodetoname,
  finalizeaggregation, flipcoordinates, formatquery, formatqueryornull, formatquerysingleline,
  formatquerysinglelineornull, formatreadabledecimalsize, formatreadablequantity, formatreadablesize,
  formatreadabletimedelta, fqdn, getmergetreesetting, getsetting, getsettingordefault, getsizeofenumtype, getsubcolumn,
  gettypeserializationstreams, highlightquery, hostname, icebergbucket, icebergtruncate, identity, ignore, indexhint,
  initialqueryid, initialquerystarttime, initializeaggregation, isconstant, isdecimaloverflow, lowcardinalityindices,
  lowcardinalitykeys, macnumtostring, macstringtonum, macstringtooui, materialize, minsamplesizecontinuous,
  minsamplesizeconversion, neighbor, normalizedqueryhash, normalizedqueryhashkeepnames, normalizequery,
  normalizequerykeepnames, obfuscatequery, obfuscatequerywithseed, parsereadablesize, parsereadablesizeornull,
  parsereadablesizeorzero, parsetimedelta, partitionid, queryid, revision, rownumberinallblocks, rownumberinblock,
  runningaccumulate, runningdifference, runningdifferencestartingwithfirstvalue, serveruuid, shardcount, shardnum,
  structuretocapnprotoschema, structuretoprotobufschema, throwif, tocolumntypename, tokenizequery, totypename, transform,
  uptime, variantelement, varianttype, version, visiblewidth,
  _cast, casewithexpression, nested, lambda, exists, untuple, grouping, filter
`)

/** Functions of allowed families that are not for analysts: they hold a session, or reach outside in some build. */
export const deniedFunctions: ReadonlySet<string> = new Set([
  'file',
  'sleep',
  'sleepeachrow',
  'eval',
  'chdb',
  'reversednsquery',
  'generateserialid',
])

/** Database engines that keep their own tables. In a database of another engine a table's name can be a file's, or lead to another server. */
export const allowedDatabaseEngines: ReadonlySet<string> = new Set(['Atomic', 'Ordinary', 'Memory', 'Replicated'])

/** Table engines that hold their rows themselves, or are made of tables that do. */
export const allowedTableEngine = /^(\w*MergeTree|Memory|Null|Set|Join|Log|TinyLog|StripeLog|View|MaterializedView|System\w*)$/
