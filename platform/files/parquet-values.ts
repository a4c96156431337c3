import type { SchemaElement } from 'hyparquet'
import { toBigInt, toNearestDouble } from './decimal.ts'

/** A value as the file has it: what hyparquet gives for a column without a logical type. */
type RawValue = number | bigint | boolean | string | Uint8Array | Date

export type ToValue = (raw: RawValue) => unknown

const decoder = new TextDecoder('utf-8', { fatal: true })
const dayMs = 86_400_000

/** The types that are converted here: hyparquet would lose digits, or the file's own statement about time zones. */
const ours = new Set(['DECIMAL', 'DATE', 'TIMESTAMP', 'TIMESTAMP_MILLIS', 'TIMESTAMP_MICROS', 'STRING', 'UTF8', 'ENUM', 'JSON'])

/** The element without a type that is converted here. */
export function withoutOurTypes(element: SchemaElement): SchemaElement {
  if (!ours.has(element.logical_type?.type ?? '') && !ours.has(element.converted_type ?? '')) return element
  const { logical_type: _, converted_type: __, ...rest } = element
  return rest
}

/** How to convert a column's values; undefined for a type that has no place in a record. Unreadable values throw a `RangeError`. */
export function converterOf(element: SchemaElement): ToValue | undefined {
  const { type, converted_type: converted, logical_type: logical, scale = 0 } = element
  if (logical?.type === 'DECIMAL' || converted === 'DECIMAL') return toDecimal(logical?.type === 'DECIMAL' ? logical.scale : scale)
  if (logical?.type === 'DATE' || converted === 'DATE') return (raw) => toIso(Number(raw) * dayMs).slice(0, 10)
  if (logical?.type === 'TIMESTAMP') return toTime(nanosPerUnit[logical.unit], logical.isAdjustedToUTC)
  if (converted === 'TIMESTAMP_MILLIS') return toTime(nanosPerUnit.MILLIS, true)
  if (converted === 'TIMESTAMP_MICROS') return toTime(nanosPerUnit.MICROS, true)
  // The value has nanoseconds, and the file does not say of which time zone.
  if (type === 'INT96') return toTime(nanosPerUnit.NANOS, false)
  if (logical?.type === 'TIME' || /^(TIME_|INTERVAL$|BSON$)/.test(converted ?? '')) return undefined
  if (logical !== undefined && !plainLogical.has(logical.type)) return undefined
  return logical?.type === 'UUID' || logical?.type === 'FLOAT16' ? (raw) => raw : (toPlain[type ?? ''] ?? undefined)
}

const plainLogical = new Set(['STRING', 'ENUM', 'JSON', 'UUID', 'FLOAT16', 'INTEGER', 'NULL'])

const toPlain: Readonly<Record<string, ToValue>> = {
  BOOLEAN: (raw) => raw,
  INT32: (raw) => raw,
  INT64: (raw) => toSafeInteger(raw as bigint),
  FLOAT: (raw) => toShortest(raw as number),
  DOUBLE: (raw) => raw,
  BYTE_ARRAY: (raw) => toText(raw as Uint8Array),
}

function toSafeInteger(raw: bigint): number | bigint {
  const number = Number(raw)
  return Number.isSafeInteger(number) ? number : raw
}

/** A float of 32 bits as the shortest decimal that is the same float: 0.1, where widening its bits gives 0.10000000149011612. */
function toShortest(raw: number): number {
  if (!Number.isFinite(raw)) return raw
  for (let digits = 6; digits < 9; digits++) {
    const shorter = Number(raw.toPrecision(digits))
    if (Math.fround(shorter) === raw) return shorter
  }
  return Number(raw.toPrecision(9))
}

function toText(raw: Uint8Array): string {
  try {
    return decoder.decode(raw)
  } catch (cause) {
    throw new RangeError('is not UTF-8', { cause })
  }
}

function toDecimal(scale: number): ToValue {
  return (raw) => toNearestDouble(raw instanceof Uint8Array ? toBigInt(raw) : (raw as bigint | number), scale)
}

const nanosPerUnit = { MILLIS: 1_000_000n, MICROS: 1_000n, NANOS: 1n } as const

function toTime(nanosPer: bigint, isUtc: boolean): ToValue {
  return (raw) => {
    const text = toIso(Number(floorDivide(BigInt(raw as bigint) * nanosPer, 1_000_000n)))
    return isUtc ? text : text.slice(0, -1)
  }
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by
  return value % by < 0n ? quotient - 1n : quotient
}

function toIso(timeMs: number): string {
  const time = new Date(timeMs)
  if (Number.isNaN(time.getTime())) throw new RangeError('is no time')
  return time.toISOString()
}
