/** A line without its end; `tooLong` when it was passed over because it is longer than a line may be. */
export type Line = { line: number; text: string; tooLong: boolean }

/** Lines that end with `\n` and with nothing else: JSON may hold U+2028, U+2029 and U+0085 as they are, and `node:readline` breaks at some. */
export async function* splitLines(pieces: AsyncIterable<string>, { maxLength }: { maxLength: number }): AsyncGenerator<Line> {
  let line = 1
  let held: string[] = []
  let length = 0
  const take = (text: string) => {
    length += text.length
    if (length <= maxLength) held.push(text)
    else held = []
  }
  const finish = (): Line => {
    const done = { line, text: held.join('').replace(/\r$/, ''), tooLong: length > maxLength }
    held = []
    length = 0
    line += 1
    return done
  }
  for await (const piece of pieces) {
    let from = 0
    for (let end = piece.indexOf('\n'); end !== -1; end = piece.indexOf('\n', from)) {
      take(piece.slice(from, end))
      yield finish()
      from = end + 1
    }
    take(piece.slice(from))
  }
  if (length > 0) yield finish()
}
