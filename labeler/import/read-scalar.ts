import { type ErrorCode, ServiceError } from '../../contracts/errors.ts'

/** Refuses a cell that cannot be what its field is; whoever knows the field adds its path. */
export function refuse(message: string, code: ErrorCode = 'invalid_request'): never {
  throw new ServiceError(code, message)
}

const decimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/
const notFinite = /^[+-]?(?:nan|inf|infinity)$/i

/** The number that a text writes in decimal; undefined for any other text. */
export function parseDecimal(text: string): number | undefined {
  return decimal.test(text) ? Number(text) : undefined
}

/** A number, or a text that writes one. Refuses what is none with `problem`, and NaN, infinities and overflows as `not_finite`. */
export function readNumber(value: unknown, problem = 'is no number'): number {
  const number = typeof value === 'string' ? (parseDecimal(value) ?? (notFinite.test(value) ? Number.NaN : value)) : value
  if (typeof number !== 'number' && typeof number !== 'bigint') refuse(problem)
  if (!Number.isFinite(Number(number))) refuse('is NaN, infinite, or too large for a double', 'not_finite')
  return Number(number)
}

const words: Readonly<Record<string, boolean>> = { true: true, t: true, false: false, f: false }

/** A boolean, or the word for one that pandas, Spark, spreadsheets or PostgreSQL write; undefined for anything else. */
export function parseBoolean(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : typeof value === 'string' ? words[value.toLowerCase()] : undefined
}

/** Reads an id or a name: a number is the text of its digits, as long as a double holds them all. */
export function readText(value: unknown): unknown {
  if (typeof value === 'bigint' || typeof value === 'boolean' || Number.isSafeInteger(value)) return String(value)
  if (typeof value !== 'number') return value
  return refuse(Number.isInteger(value) ? 'is a number of more digits than a double holds: write it as text' : 'must be text or an integer')
}
