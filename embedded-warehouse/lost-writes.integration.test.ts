import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type TestWarehouse, startTestWarehouse } from './testing/warehouse-chdb.ts'

const maxFileBytes = 1024 ** 2
const rowsPerBatch = 600
let dir: string

beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'hindsight-lost-writes-'))))
afterEach(() => rm(dir, { recursive: true, force: true }))

/** A table as bronze has them, with two thirds of `maxFileBytes` in each of `batches` parts. */
async function startWithRows({ batches }: { batches: number }): Promise<TestWarehouse> {
  const server = await startTestWarehouse({ dir, maxFileBytes })
  const { warehouse } = server
  await warehouse.command('CREATE DATABASE lost')
  await warehouse.command(
    `CREATE TABLE lost.rows (batch UInt32, row UInt32, body String, INDEX by_row row TYPE bloom_filter GRANULARITY 1)
     ENGINE = ReplacingMergeTree ORDER BY (batch, row)
     SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1`,
  )
  await warehouse.command('SYSTEM STOP MERGES lost.rows')
  for (let batch = 0; batch < batches; batch += 1) await warehouse.command(insertBatch(batch, rowsPerBatch))
  return server
}

function insertBatch(batch: number, rows: number): string {
  return `INSERT INTO lost.rows SELECT ${batch}, number, randomPrintableASCII(1000) FROM numbers(${rows})`
}

/** What is there after a start on a disk that takes everything: rows, and the bytes of their bodies. */
async function readAgain(): Promise<{ rows: number; bytes: number }> {
  const { warehouse, stop } = await startTestWarehouse({ dir })
  try {
    const [found] = await warehouse.query<{ rows: number; bytes: number }>(
      'SELECT toUInt32(count()) AS rows, toUInt32(sum(length(body))) AS bytes FROM lost.rows',
    )
    return found as { rows: number; bytes: number }
  } finally {
    await stop()
  }
}

test('a merge that the disk did not take whole is undone by a restart, which nobody has to ask for', async () => {
  const { warehouse, ended } = await startWithRows({ batches: 12 })
  // A merge may be over before the statement that lets it begin is answered.
  await Promise.allSettled([warehouse.command('SYSTEM START MERGES lost.rows'), ended])
  await warehouse.close()
  expect(await readAgain()).toEqual({ rows: 12 * rowsPerBatch, bytes: 12 * rowsPerBatch * 1000 })
})

test('an insert that the disk did not take whole is not confirmed, and can be sent again', async () => {
  const { warehouse, ended, kill } = await startWithRows({ batches: 2 })
  await expect(warehouse.command(insertBatch(2, 2 * rowsPerBatch))).rejects.toMatchObject({ code: 'warehouse_unavailable' })
  await ended
  await kill()
  expect(await readAgain()).toEqual({ rows: 2 * rowsPerBatch, bytes: 2 * rowsPerBatch * 1000 })
})

test('a result that the disk did not take whole is broken off, never short', async () => {
  const { warehouse, ended, kill } = await startWithRows({ batches: 3 })
  await expect(warehouse.query('SELECT body FROM lost.rows')).rejects.toMatchObject({ code: 'warehouse_unavailable' })
  await ended
  await kill()
  expect(await readAgain()).toEqual({ rows: 3 * rowsPerBatch, bytes: 3 * rowsPerBatch * 1000 })
})
