/** How often the engine says how far a query is; by its own default a query of less than 100 ms says it once, at its end. */
export const progressIntervalUs = 20_000

const lineBreak = '\n'
const progressRow = '{"progress":'

/** Formats in which the engine writes between the rows how far the query is. */
export function hasProgressRows(format: string): boolean {
  return /^JSON\w*EachRowWithProgress$/i.test(format)
}

/** Passes on whole rows, so that an error can follow any of them as a row, and of those at hand first a row of progress. */
export function createProgressRows(write: (rows: Uint8Array) => Promise<void>): (chunk: Uint8Array) => Promise<void> {
  let rest = Buffer.alloc(0)
  let begun = false
  return async (chunk) => {
    const bytes = Buffer.concat([rest, chunk])
    const end = bytes.lastIndexOf(lineBreak) + 1
    rest = bytes.subarray(end)
    if (end === 0) return
    const rows = bytes.subarray(0, end)
    await write(begun ? rows : progressFirst(rows))
    begun = true
  }
}

function progressFirst(rows: Buffer): Buffer {
  const start = rows.indexOf(lineBreak + progressRow) + 1
  if (start === 0 || rows.indexOf(progressRow) === 0) return rows
  const end = rows.indexOf(lineBreak, start) + 1
  return Buffer.concat([rows.subarray(start, end), rows.subarray(0, start), rows.subarray(end)])
}
