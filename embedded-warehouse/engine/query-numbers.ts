const zero = { read_rows: 0, read_bytes: 0, written_rows: 0, written_bytes: 0, total_rows_to_read: 0, result_rows: 0, result_bytes: 0 }

/** What is known of a query that runs or has ended, in ClickHouse's names. */
export type QueryNumbers = Partial<typeof zero> & { elapsed: number }

/** ClickHouse's summary of a query, and the same as progress for clients that ask for that. What is not known is 0. */
export function numberHeaders({ elapsed, ...known }: QueryNumbers, { withProgress }: { withProgress: boolean }): Record<string, string> {
  const numbers = { ...zero, ...known, elapsed_ns: Math.round(elapsed * 1e9) }
  const json = JSON.stringify(Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)])))
  return { ...(withProgress && { 'X-ClickHouse-Progress': json }), 'X-ClickHouse-Summary': json }
}
