/** Compares texts by their UTF-8 bytes, as ClickHouse orders strings. */
export function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
