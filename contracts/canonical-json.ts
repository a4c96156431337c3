import { hash } from 'node:crypto'
import canonicalize from 'canonicalize'

/**
 * RFC 8785 JSON: keys sorted, numbers in their shortest form. Throws on NaN and Infinity. Values whose keys stand in order
 * already cost a third of others: then the form is that of `JSON.stringify`.
 */
export function toCanonicalJson(value: unknown): string {
  if (isInOrder(value)) return JSON.stringify(value)
  const text = (canonicalize as unknown as (value: unknown) => string | undefined)(value)
  if (text === undefined) throw new TypeError('only JSON values have a canonical form')
  return text
}

/**
 * Whether every object in a JSON value has its keys in the order of their UTF-16 code units; a field that is undefined is absent.
 * False for what is not JSON.
 */
export function isInOrder(value: unknown): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object') return false
  if (Array.isArray(value)) return value.every(isInOrder)
  return Object.getPrototypeOf(value) === Object.prototype && hasKeysInOrder(value as Record<string, unknown>)
}

function hasKeysInOrder(object: Record<string, unknown>): boolean {
  let last = ''
  for (const key in object) {
    const value = object[key]
    if (key < last || (value !== undefined && !isInOrder(value))) return false
    last = key
  }
  return true
}

/** A copy of the record with its keys in order. */
export function inOrder<Value>(record: Readonly<Record<string, Value>>): Record<string, Value> {
  const ordered: Record<string, Value> = {}
  for (const key of Object.keys(record).toSorted()) define(ordered, key, record[key] as Value)
  return ordered
}

/** Sets a key of the record, even `__proto__`, which `=` would take for the prototype. */
function define<Value>(record: Record<string, Value>, key: string, value: Value): void {
  if (key === '__proto__') Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true })
  else record[key] = value
}

/** SHA-256 in lower-case hexadecimal of the value's RFC 8785 form. */
export function canonicalHash(value: unknown): string {
  return sha256Hex(toCanonicalJson(value))
}

export function sha256Hex(bytes: string | Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}
