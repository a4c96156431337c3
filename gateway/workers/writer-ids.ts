/** The writer id of each worker, the same at every start, because an outbox belongs to one. The first goes on with the gateway's own. */
export function writerIdsOf(writerId: string, workers: number): string[] {
  return Array.from({ length: workers }, (_, index) => (index === 0 ? writerId : `${writerId}-w${index}`))
}
