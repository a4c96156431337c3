import { EngineError } from '../engine/engine-error.ts'
import { namesIn } from '../sql/sql-lexer.ts'

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

/** Settings of how text is parsed and results are formatted; a request may give them any value. */
const formatting =
  /^(output_format_\w+|input_format_\w+|format_(csv|tsv|custom)_\w+|format_binary_max_\w+|date_time_(in|out)put_format|bool_(true|false)_representation|interval_output_format)$/
/** The formatting settings that name files or servers, or have values computed. */
const reaching = /schema|registry|path|template|url|interpret_expressions/

/**
 * Settings that a request may give any value. They change results as its author wants, or only how results are made; those on the
 * last three lines concern inserts, quotas, logs or several servers, of which an analyst has none.
 */
const harmless = namesIn(`
  session_timezone, use_client_time_zone, join_use_nulls, joined_subquery_requires_alias, extremes, final,
  cast_string_to_dynamic_use_inference, cast_keep_nullable, cast_ipv4_ipv6_default_on_conversion_error,
  transform_null_in, union_default_mode, intersect_default_mode, except_default_mode, any_join_distinct_right_table_keys,
  prefer_column_name_to_alias, enable_positional_arguments, group_by_use_nulls, aggregate_functions_null_for_empty,
  limit, offset, totals_mode, totals_auto_threshold, join_algorithm, join_any_take_last_row, distinct_overflow_mode,
  select_sequential_consistency, use_query_cache, optimize_read_in_order, optimize_aggregation_in_order, max_block_size,
  preferred_block_size_bytes, allow_experimental_join_condition, allow_suspicious_types_in_group_by,
  allow_suspicious_types_in_order_by, enable_named_columns_in_function_tuple, short_circuit_function_evaluation,
  decimal_check_overflow, float_precision, count_distinct_implementation, empty_result_for_aggregation_by_empty_set,
  async_insert, wait_for_async_insert, insert_deduplicate, insert_quorum, insert_quorum_timeout,
  mutations_sync, alter_sync, load_balancing, distributed_product_mode, max_parallel_replicas, prefer_localhost_replica,
  connect_timeout, receive_timeout, send_timeout, http_receive_timeout, http_send_timeout
`)

/** Limits that the engine leaves unbounded by default: a request may set any. */
const ownLimits = namesIn(`
  max_rows_to_read, max_bytes_to_read, max_rows_to_group_by, max_rows_to_sort, max_bytes_to_sort, max_rows_in_distinct,
  max_bytes_in_distinct, max_rows_in_join, max_bytes_in_join, max_rows_in_set, max_bytes_in_set, max_columns_to_read,
  max_estimated_execution_time
`)

/** Settings that the URL may give these values and no others. None of them is passed on: `break` becomes a `limit`, `readonly` stays as it is. */
const urlChoices: ReadonlyMap<string, readonly string[]> = new Map([
  ['readonly', ['1', '2']],
  ['result_overflow_mode', ['throw', 'break']],
])

/** Which settings a request of an analyst may bring; one table for those of the URL, of sessions and of SETTINGS clauses. */
export type SettingsPolicy = {
  /** Whether a request may give the setting another value than it has. */
  isOpen(name: string): boolean
  /** Throws READONLY unless the setting may have the value: it is open, has that value already, or is a limit not above its own. */
  check(name: string, value: string): void
  /** Settings as they are to be applied. Limits above the port's are the port's, for tools send theirs with whatever they ask. */
  admit(settings: ReadonlyMap<string, string>): Map<string, string>
}

/** `current` are the values that an analyst's session begins with. */
export function createSettingsPolicy(limits: AnalystLimits, current: ReadonlyMap<string, { value: string }>): SettingsPolicy {
  const isLimit = (name: string): name is keyof AnalystLimits => Object.hasOwn(limits, name)
  const isAny = (name: string) => harmless.has(name) || ownLimits.has(name) || (formatting.test(name) && !reaching.test(name))

  function check(name: string, value: string): void {
    if (isAny(name) || current.get(name)?.value === value) return
    if (name === 'readonly' && urlChoices.get(name)?.includes(value) === true) return
    if (isLimit(name) && isWithin(value, limits[name])) return
    throw new EngineError(164, 'READONLY', `Cannot modify '${name}' setting on the read-only port${boundOf(name)}`)
  }

  function boundOf(name: string): string {
    if (isLimit(name)) return `: its limit is ${limits[name]}, and a query may only lower it`
    const choices = urlChoices.get(name)
    if (choices !== undefined) return `: the URL may set it to ${choices.map((value) => `'${value}'`).join(' or ')}`
    return ` to a value other than '${current.get(name)?.value ?? ''}'`
  }

  return {
    isOpen: (name) => isAny(name) || isLimit(name) || urlChoices.has(name),
    check,
    admit(settings) {
      const admitted = new Map<string, string>()
      for (const [name, value] of withoutBreak(settings, limits)) {
        if (isLimit(name) && isNumber(value) && !isWithin(value, limits[name])) continue
        check(name, value)
        if (current.get(name)?.value !== value && name !== 'readonly') admitted.set(name, value)
      }
      return admitted
    },
  }
}

/**
 * Drivers ask for the first rows by a limit at which a result breaks off, and by itself that would cut a result at the port's
 * limits, too, without a word. So they get `limit`, which is exact, and a result that is too large for the port is an error.
 */
function withoutBreak(settings: ReadonlyMap<string, string>, limits: AnalystLimits): ReadonlyMap<string, string> {
  if (settings.get('result_overflow_mode') !== 'break') return settings
  const rows = settings.get('max_result_rows') ?? '0'
  const rest = new Map([...settings].filter(([name]) => name !== 'result_overflow_mode' && name !== 'max_result_rows'))
  return isWithin(rows, limits.max_result_rows) && !settings.has('limit') ? rest.set('limit', rows) : rest
}

function isNumber(value: string): boolean {
  return /^\d+(\.\d+)?$/.test(value)
}

function isWithin(value: string, limit: number): boolean {
  return isNumber(value) && Number(value) > 0 && Number(value) <= limit
}
