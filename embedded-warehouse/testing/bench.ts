import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { type TestWarehouse, startTestWarehouse } from './warehouse-chdb.ts'

/** Inserts at a steady rate while scans run and a client pings: the latencies that the logger and the operator would see. */
const rowsPerSecond = 2_000
const scans = 4
const seconds = Number(process.argv[2] ?? 30)

async function main(): Promise<void> {
  const server = await startTestWarehouse()
  try {
    await prepare(server)
    const deadline = performance.now() + seconds * 1000
    const running = Array.from({ length: scans }, () => scan(server, deadline))
    const [inserts, pings] = await Promise.all([insert(server, deadline), pingFromWorker(server)])
    const scanned = await Promise.all(running)
    report('insert of one second', inserts)
    report('/ping', pings)
    print(`scans finished: ${scanned.flat().length}, longest ${Math.max(...scanned.flat()).toFixed(0)} ms`)
    const [count] = await server.warehouse.query<{ rows: string }>('SELECT count() AS rows FROM bench.events WHERE id >= 10000000')
    print(`rows inserted: ${count?.rows} of ${inserts.length * rowsPerSecond}`)
  } finally {
    await server.stop()
  }
}

async function prepare({ warehouse }: TestWarehouse): Promise<void> {
  await warehouse.command('CREATE DATABASE bench')
  await warehouse.command(
    `CREATE TABLE bench.events (id UInt64, at DateTime64(3, 'UTC'), model LowCardinality(String), features Map(LowCardinality(String), Float64), body String)
     ENGINE = ReplacingMergeTree ORDER BY (model, id)
     SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1`,
  )
  await warehouse.command(
    `INSERT INTO bench.events SELECT number, now64(3), 'm', map('a', number / 7, 'b', number % 13), randomPrintableASCII(200) FROM numbers(1000000)`,
  )
}

async function insert({ warehouse }: TestWarehouse, deadline: number): Promise<number[]> {
  const times: number[] = []
  for (let batch = 0; performance.now() < deadline; batch += 1) {
    const begun = performance.now()
    await warehouse.insert('bench.events', rowsOf(batch))
    times.push(performance.now() - begun)
    await setTimeout(Math.max(0, 1000 - (performance.now() - begun)))
  }
  return times
}

function rowsOf(batch: number): object[] {
  return Array.from({ length: rowsPerSecond }, (_, row) => ({
    id: 10_000_000 + batch * rowsPerSecond + row,
    at: new Date().toISOString(),
    model: 'm',
    features: { a: row / 7, b: row % 13, c: batch },
    body: `event ${batch} ${row} `.repeat(20),
  }))
}

async function pingFromWorker({ url }: TestWarehouse): Promise<number[]> {
  const worker = new Worker(new URL('./bench-ping.js', import.meta.url), { workerData: { url, seconds } })
  const [times] = (await once(worker, 'message')) as [number[]]
  return times
}

async function scan({ warehouse }: TestWarehouse, deadline: number): Promise<number[]> {
  const times: number[] = []
  while (performance.now() < deadline) {
    const begun = performance.now()
    await warehouse.query('SELECT sum(cityHash64(SHA256(body), SHA512(body), features)) AS hash FROM bench.events')
    times.push(performance.now() - begun)
  }
  return times
}

function report(name: string, times: number[]): void {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN).toFixed(0)
  print(`${name}: n=${sorted.length} p50=${at(0.5)} ms p95=${at(0.95)} ms p99=${at(0.99)} ms max=${at(1)} ms`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

await main()
