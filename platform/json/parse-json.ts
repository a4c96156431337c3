import { ServiceError, toFieldPath } from '../../contracts/errors.ts'
import { limits } from '../../contracts/http.ts'
import { endOfString, findStructuralFault } from './structural-fault.ts'

const code = { quote: 34, colon: 58, upperI: 73, upperN: 78, openBracket: 91, closeBracket: 93, openBrace: 123, closeBrace: 125 } as const
/** Half of a surrogate pair is no text, and native code takes U+0000 for a text's end: a model would be given less than was sent. */
const unfit = /[\0\p{Surrogate}]/u

/**
 * Parses JSON that nobody vouches for. Beyond `JSON.parse` it refuses nesting deeper than `limits.depth`, NaN, Infinity and
 * numbers that overflow, a key that is written twice, `__proto__` and `constructor`, and strings with U+0000 or half of a
 * surrogate pair, except those that `isOurs`. `what` is parsed, for messages.
 *
 * @example
 * ```ts
 * import { ServiceError } from '../../contracts/errors.ts'
 * import { parseJson } from './parse-json.ts'
 *
 * parseJson('{"rows":[1,2]}') // => { rows: [1, 2] }
 * try {
 *   parseJson('{"rows":[1],"rows":[2]}', { what: 'line' })
 * } catch (error) {
 *   error instanceof ServiceError && error.code // => 'invalid_request'
 * }
 * ```
 */
export function parseJson(text: string, { isOurs = none, what = 'body' } = {}): unknown {
  const scan = scanStructure(text)
  if (scan.tooDeep) throw structuralFault(text, what)
  const value = parse(text, scan.bareWords, what)
  const inspection = { keys: 0, isOurs }
  const fault = inspect(value, inspection)
  if (fault !== undefined) throw new ServiceError(fault.code, fault.message, { path: toFieldPath(fault.path) })
  if (inspection.keys < scan.keys) throw structuralFault(text, what)
  return value
}

type Scan = { keys: number; tooDeep: boolean; bareWords: number[] }

/** Scans the text once before parsing, so that a depth bomb costs no more than its bytes. */
function scanStructure(text: string): Scan {
  const scan: Scan = { keys: 0, tooDeep: false, bareWords: [] }
  const { length } = text
  let depth = 0
  for (let at = 0; at < length; at++) {
    const character = text.charCodeAt(at)
    if (character === code.quote) at = endOfString(text, at)
    else if (character === code.openBrace || character === code.openBracket) {
      if (++depth > limits.depth) return { ...scan, tooDeep: true }
    } else if (character === code.closeBrace || character === code.closeBracket) depth--
    else if (character === code.colon) scan.keys++
    else if (isBareWord(text, at, character)) scan.bareWords.push(at)
  }
  return scan
}

function isBareWord(text: string, at: number, character: number): boolean {
  return (character === code.upperN && text.startsWith('NaN', at)) || (character === code.upperI && text.startsWith('Infinity', at))
}

const none = (_text: string): boolean => false

function parse(text: string, bareWords: readonly number[], what: string): unknown {
  try {
    return JSON.parse(bareWords.length === 0 ? text : spellOverflowing(text, bareWords))
  } catch (cause) {
    throw new ServiceError('invalid_json', `the ${what} is not JSON: ${(cause as SyntaxError).message}`, { cause })
  }
}

/** NaN and Infinity, which some clients write, become a number that overflows: the inspection then names its field. */
function spellOverflowing(text: string, bareWords: readonly number[]): string {
  let result = ''
  let from = 0
  for (const at of bareWords) {
    result += `${text.slice(from, at)}1e999`
    from = at + (text[at] === 'N' ? 3 : 8)
  }
  return result + text.slice(from)
}

type Inspection = { keys: number; isOurs: (text: string) => boolean }
type Fault = { code: 'not_finite' | 'invalid_request'; message: string; path: PropertyKey[] }

function inspect(value: unknown, inspection: Inspection): Fault | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : fault('not_finite', 'a number must be finite')
  if (typeof value === 'string') return unfit.test(value) && !inspection.isOurs(value) ? unfitText(value) : undefined
  if (typeof value !== 'object' || value === null) return undefined
  return Array.isArray(value) ? inspectArray(value, inspection) : inspectObject(value as Record<string, unknown>, inspection)
}

function inspectArray(values: readonly unknown[], inspection: Inspection): Fault | undefined {
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    // Long arrays mostly hold finite numbers, which have no fault to look for.
    if (typeof value === 'number' && Number.isFinite(value)) continue
    const found = inspect(value, inspection)
    if (found !== undefined) return within(index, found)
  }
  return undefined
}

function inspectObject(value: Record<string, unknown>, inspection: Inspection): Fault | undefined {
  for (const key of Object.keys(value)) {
    inspection.keys++
    if (key === '__proto__' || key === 'constructor') return within(key, fault('invalid_request', 'this name is not allowed'))
    const found = inspect(value[key], inspection)
    if (found !== undefined) return within(key, found)
  }
  return undefined
}

function fault(code: Fault['code'], message: string): Fault {
  return { code, message, path: [] }
}

function unfitText(value: string): Fault {
  return fault('invalid_request', value.includes('\0') ? 'the text holds U+0000' : 'the text holds half of a surrogate pair')
}

function within(part: PropertyKey, found: Fault): Fault {
  return { ...found, path: [part, ...found.path] }
}

function structuralFault(text: string, what: string): ServiceError {
  const found = findStructuralFault(text)
  if (found === undefined) return new ServiceError('invalid_json', `the ${what} is not JSON`)
  const message = found.code === 'too_deep' ? `the ${what} nests deeper than ${limits.depth} levels` : 'this field is written twice'
  return new ServiceError(found.code, message, { path: toFieldPath(found.path) })
}
