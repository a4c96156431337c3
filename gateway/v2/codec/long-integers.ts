import { endOfString } from '../../http/structural-fault.ts'

/** What stands before the digits of a marked integer; no text that a client may send begins so. */
const mark = '\u0000integer:'
const escapedMark = '\\u0000integer:'

/** As many digits as always fit a double. */
const exactDigits = 15
const longInteger = /\d{16}/

/** JSON text with every integer of more digits than a double holds for sure put into a marked string, so that parsing keeps them all. */
export function markLongIntegers(text: string): string {
  if (!longInteger.test(text)) return text
  let result = ''
  let copied = 0
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (character === quote) at = endOfString(text, at)
    else if (isDigit(character) || character === minus) {
      const start = at
      while (isPartOfNumber(text.charCodeAt(at + 1))) at++
      const literal = text.slice(start, at + 1)
      if (literal.length <= exactDigits || !/^-?[1-9]\d*$/.test(literal)) continue
      result += `${text.slice(copied, start)}"${escapedMark}${literal}"`
      copied = at + 1
    }
  }
  return result + text.slice(copied)
}

export function isMarked(text: string): boolean {
  return text.startsWith(mark)
}

/** The integer of a marked string, or undefined when it is another text. */
export function unmark(text: string): bigint | undefined {
  const digits = isMarked(text) ? text.slice(mark.length) : ''
  return /^-?\d+$/.test(digits) ? BigInt(digits) : undefined
}

const quote = 34
const minus = 45

function isDigit(character: number): boolean {
  return character >= 48 && character <= 57
}

function isPartOfNumber(character: number): boolean {
  return isDigit(character) || character === 46 || character === 101 || character === 69 || character === 43 || character === minus
}
