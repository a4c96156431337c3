import { limits } from '../../contracts/http.ts'

const quote = 34
const backslash = 92

type Frame = { keys: Set<string> | undefined; part: string | number }

/** The longest piece of a client's own key that an error repeats. */
const maxPartLength = 64

/** Where JSON text first nests too deep or writes a key twice. Slow, and only for bodies known to have such a fault. */
export function findStructuralFault(text: string): { code: 'too_deep' | 'invalid_request'; path: PropertyKey[] } | undefined {
  const stack: Frame[] = []
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    const frame = stack.at(-1)
    if (character === '{' || character === '[') {
      if (stack.length === limits.depth) return { code: 'too_deep', path: pathOf(stack) }
      stack.push({ keys: character === '{' ? new Set() : undefined, part: character === '{' ? '' : 0 })
    } else if (character === '}' || character === ']') stack.pop()
    else if (character === ',' && typeof frame?.part === 'number') frame.part++
    else if (character === '"') {
      const end = endOfString(text, at)
      if (frame?.keys !== undefined && isKey(text, end)) {
        frame.part = unescape(text.slice(at, end + 1))
        if (frame.keys.has(frame.part)) return { code: 'invalid_request', path: pathOf(stack) }
        frame.keys.add(frame.part)
      }
      at = end
    }
  }
  return undefined
}

/** Index of the closing quote of the string that starts here, or the text's length when it does not end. */
export function endOfString(text: string, start: number): number {
  const { length } = text
  for (let at = start + 1; at < length; at++) {
    const character = text.charCodeAt(at)
    if (character === backslash) at++
    else if (character === quote) return at
  }
  return length
}

function isKey(text: string, end: number): boolean {
  let at = end + 1
  while (at < text.length && ' \t\r\n'.includes(text[at] ?? '')) at++
  return text[at] === ':'
}

/** The key without its escapes: `"dist\u0061nce"` and `"distance"` are one. */
function unescape(quoted: string): string {
  try {
    return JSON.parse(quoted) as string
  } catch {
    return quoted
  }
}

function pathOf(stack: readonly Frame[]): PropertyKey[] {
  return stack.map(({ part }) => (typeof part === 'string' ? part.slice(0, maxPartLength) : part))
}
