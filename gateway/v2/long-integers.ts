import { randomUUID } from 'node:crypto'
import { parseJson } from '../../platform/json/parse-json.ts'
import { endOfString } from '../../platform/json/structural-fault.ts'

/** What stands before the digits of a marked integer; no text that a client may send has U+0000, and none can know the rest. */
const secret = `integer:${randomUUID()}:`
const mark = `\0${secret}`
const escapedMark = `\\u0000${secret}`

/** A quote, or a run of more digits than always fit a double. */
const quoteOrLong = /"|-?\d{16,}/g

/**
 * Parses as `parseJson` does, with every integer that a double may not hold in tensors' `data` kept as a marked string, for
 * `unmark`. Elsewhere it is the number that `JSON.parse` makes of it.
 */
export function parseWithLongIntegers(text: string): unknown {
  return unmarkBesideData(parseJson(markLongIntegers(text), { isOurs: isMarked }))
}

/** JSON text with every integer that a double may not hold put into a marked string, so that parsing keeps all its digits. */
export function markLongIntegers(text: string): string {
  const pieces: string[] = []
  let copied = 0
  quoteOrLong.lastIndex = 0
  for (let found = quoteOrLong.exec(text); found !== null; found = quoteOrLong.exec(text)) {
    const literal = found[0]
    if (literal === '"') quoteOrLong.lastIndex = endOfString(text, found.index) + 1
    else if (isInteger(text, found.index, literal)) {
      pieces.push(text.slice(copied, found.index), `"${escapedMark}${literal}"`)
      copied = found.index + literal.length
    }
  }
  return pieces.length === 0 ? text : pieces.join('') + text.slice(copied)
}

/** Whether the literal is a whole number as JSON writes it. */
function isInteger(text: string, at: number, literal: string): boolean {
  const digits = text.charCodeAt(at) === minus ? at + 1 : at
  return (
    !isPartOfNumber(text.charCodeAt(at - 1)) && !isPartOfNumber(text.charCodeAt(at + literal.length)) && text.charCodeAt(digits) !== zero
  )
}

export function isMarked(text: string): boolean {
  return text.startsWith(mark)
}

/** The integer of a marked string, or undefined when it is another text. */
export function unmark(text: string): bigint | undefined {
  const digits = isMarked(text) ? text.slice(mark.length) : ''
  return /^-?\d+$/.test(digits) ? BigInt(digits) : undefined
}

/** Makes marked strings outside `data` the numbers that JSON.parse would, in place. */
function unmarkBesideData(value: unknown): unknown {
  if (typeof value === 'string') return isMarked(value) ? Number(unmark(value)) : value
  if (typeof value !== 'object' || value === null) return value
  const holder = value as Record<string, unknown>
  for (const key of Object.keys(holder)) if (key !== 'data') holder[key] = unmarkBesideData(holder[key])
  return value
}

const minus = 45
const zero = 48

/** Whether the character is a digit, or `+`, `-`, `.`, `E` or `e`. */
function isPartOfNumber(character: number): boolean {
  return (character >= zero && character <= 57) || character === 43 || character === minus || character === 46 || (character | 32) === 101
}
