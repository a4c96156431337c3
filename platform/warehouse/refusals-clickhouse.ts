import type { RefusalReason } from './warehouse.ts'

/** ClickHouse's error codes that somebody acts on, with its own names for them, under what they mean. */
const codes = {
  /** A table or a database that is not there. */
  no_table: { 60: 'UNKNOWN_TABLE', 81: 'UNKNOWN_DATABASE' },
  /** A value that cannot be parsed or converted, or does not fit its column. */
  bad_row: {
    6: 'CANNOT_PARSE_TEXT',
    25: 'CANNOT_PARSE_ESCAPE_SEQUENCE',
    26: 'CANNOT_PARSE_QUOTED_STRING',
    27: 'CANNOT_PARSE_INPUT_ASSERTION_FAILED',
    32: 'ATTEMPT_TO_READ_AFTER_EOF',
    33: 'CANNOT_READ_ALL_DATA',
    38: 'CANNOT_PARSE_DATE',
    41: 'CANNOT_PARSE_DATETIME',
    53: 'TYPE_MISMATCH',
    69: 'ARGUMENT_OUT_OF_BOUND',
    70: 'CANNOT_CONVERT_TYPE',
    72: 'CANNOT_PARSE_NUMBER',
    117: 'INCORRECT_DATA',
    131: 'TOO_LARGE_STRING_SIZE',
    321: 'VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE',
    376: 'CANNOT_PARSE_UUID',
  },
  /** A disk that takes nothing: no statement is to blame, and the same one is taken once there is space. */
  no_space: { 75: 'CANNOT_WRITE_TO_FILE_DESCRIPTOR', 243: 'NOT_ENOUGH_SPACE' },
} as const

type CodeMeaning = Exclude<RefusalReason, 'other'> | 'no_space'

const meanings = new Map(
  Object.entries(codes satisfies Record<CodeMeaning, object>).flatMap(([meaning, own]) =>
    Object.keys(own).map((code) => [code, meaning as CodeMeaning] as const),
  ),
)

/** The meaning of an error code of ClickHouse; `other` where nobody acts on it. */
export function meaningOf(code: string): CodeMeaning | 'other' {
  return meanings.get(code) ?? 'other'
}
