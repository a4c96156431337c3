import { startBrokenLogger } from './start-broken-logger.ts'

await startBrokenLogger({
  warehouse: (warehouse) => ({
    ...warehouse,
    async command(sql, ...rest) {
      await warehouse.command(isReaders(sql) ? sql.replaceAll(' FINAL', '') : sql, ...rest)
      // What merges removed by themselves would hide the mistake, now and then.
      if (isReaders(sql)) await warehouse.command('SYSTEM STOP MERGES')
    },
  }),
})

function isReaders(sql: string): boolean {
  return sql.includes('VIEW silver.')
}
