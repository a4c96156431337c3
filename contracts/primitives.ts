import { z } from 'zod'

/** Names that appear in SQL, URLs and file paths: lower case, digits, `_` and `-`. */
export const name = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,63}$/, 'must start with a letter and hold only a-z, 0-9, _ and -, at most 64 characters')

/** A name that becomes a ClickHouse column: written as `name` is, without `-`. */
export const columnName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}$/, 'must start with a letter and hold only a-z, 0-9 and _, at most 64 characters')

/** A model version: the name of its folder. */
export const versionName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, 'must be a folder name like 1 or 2.1')

/** An opaque id, given by a client or made here: 1 to 128 characters, no control characters. */
export const opaqueId = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\u0000-\u001f\u007f]+$/, 'must not contain control characters')

/** An Idempotency-Key: visible ASCII, as HTTP headers carry it. */
export const idempotencyKey = z.string().regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')

export const uuid = z.uuid()

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits')

/** RFC 3339 with an offset, between 1900 and 2299 (what the warehouse can hold). */
export const timestamp = z.iso
  .datetime({ offset: true })
  .refine((value) => isStorableTime(Date.parse(value)), 'must lie between the years 1900 and 2299')

/** What the warehouse's 32-bit columns hold; a greater number would be stored as another one. */
export const maxUint32 = 2 ** 32 - 1

/** Position of an instance in its request, from 0. */
export const instanceIndex = z.int().min(0).max(maxUint32)

export const tags = z.array(z.string().min(1).max(64)).max(16)

export const tenant = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/)

/** JSON scalars a feature, output or event value may take. Absent means unknown; null is not a value. */
export const scalar = z.union([z.number(), z.string().max(1024), z.boolean()])
export type Scalar = z.infer<typeof scalar>

/** The type of a scalar, as definitions name it. */
export const valueType = z.enum(['number', 'text', 'boolean'])
export type ValueType = z.infer<typeof valueType>

/** Integers become strings, so that 7 and "7" are the same entity. */
export const entityId = z.union([opaqueId, z.int().transform(String)])

const earliestTimeMs = Date.UTC(1900, 0, 1)
const latestTimeMs = Date.UTC(2300, 0, 1)

function isStorableTime(timeMs: number): boolean {
  return timeMs >= earliestTimeMs && timeMs < latestTimeMs
}

/** `2001-06-04T12:00:00.000Z`: the one form in which stored events write a time. */
export function toTimestamp(timeMs: number): string {
  const slot = timeMs % remembered
  if (rememberedMs[slot] === timeMs) return rememberedText[slot] as string
  const text = new Date(timeMs).toISOString()
  if (slot >= 0 && Number.isInteger(slot)) {
    rememberedMs[slot] = timeMs
    rememberedText[slot] = text
  }
  return text
}

/** How many times are kept as text: one millisecond is written by all requests of a turn, and by each that sees the same newest event. */
const remembered = 1024
const rememberedMs = new Float64Array(remembered).fill(Number.NaN)
const rememberedText: string[] = Array.from({ length: remembered }, () => '')
