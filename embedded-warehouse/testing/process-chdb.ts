import { startEmbeddedWarehouse } from '../embedded-server-chdb.ts'

/** The child process of `startTestWarehouse`: tells its addresses, and ends when its parent does. */
async function main(): Promise<void> {
  const warehouse = await startEmbeddedWarehouse({
    dir: process.argv[2] as string,
    port: 0,
    readOnlyPort: 0,
    onLostWrite: () => void process.stderr.write('a write to the disk failed\n'),
    onError: (error) => void process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`),
  })
  process.once('disconnect', () => void warehouse.stop(0).finally(() => process.exit(0)))
  process.send?.({ url: warehouse.url, readOnlyUrl: warehouse.readOnlyUrl })
}

await main()
