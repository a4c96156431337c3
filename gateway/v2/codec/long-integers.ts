import { endOfString } from '../../http/structural-fault.ts'

/** What stands before the digits of a marked integer; no text that a client may send begins so. */
const mark = '\u0000integer:'
const escapedMark = '\\u0000integer:'

/** A quote, or a run of more digits than always fit a double. */
const quoteOrLong = /"|-?\d{16,}/g

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

/** Whether the digits are a whole number, and none that JSON does not know. */
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

const minus = 45
const zero = 48

/** Digits, and `+`, `-`, `.`, `E`, `e`. */
function isPartOfNumber(character: number): boolean {
  return (character >= zero && character <= 57) || character === 43 || character === minus || character === 46 || (character | 32) === 101
}
