/** The rows of an insert, however they were given. */
export function rowsSent(rows: readonly object[] | Uint8Array): readonly object[] {
  if (!(rows instanceof Uint8Array)) return rows
  const lines = Buffer.from(rows).toString().trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as object)
}
