import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type TestWarehouse, startTestWarehouse } from './warehouse-chdb.ts'

export type KillReport = { rounds: number; confirmedBatches: number; missingBatches: number[]; slowestOpenMs: number }

const rowsPerBatch = 200
const writers = 2

/** Kills the embedded warehouse with SIGKILL during inserts, again and again, and counts what was confirmed and is gone. */
export async function runKillRounds(
  rounds: number,
  onRound: (round: number, report: KillReport) => void = () => undefined,
): Promise<KillReport> {
  const dir = await mkdtemp(join(tmpdir(), 'hindsight-kill-'))
  const confirmed = new Set<number>()
  const report: KillReport = { rounds: 0, confirmedBatches: 0, missingBatches: [], slowestOpenMs: 0 }
  let next = 0
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const begun = performance.now()
      const server = await startTestWarehouse({ dir })
      report.slowestOpenMs = Math.max(report.slowestOpenMs, performance.now() - begun)
      if (round === 0) await createTable(server)
      report.missingBatches = await findMissing(server, confirmed)
      report.confirmedBatches = confirmed.size
      if (round === rounds || report.missingBatches.length > 0) {
        await server.stop()
        break
      }
      let writing: Promise<unknown> = Promise.resolve()
      const first = new Promise<void>((onConfirmed) => {
        const options = { take: () => next++, confirmed, onConfirmed }
        writing = Promise.all(Array.from({ length: writers }, () => writeUntilKilled(server, options)))
      })
      await Promise.race([first, writing])
      await setTimeout(Math.random() * 500)
      await server.kill()
      await writing
      report.rounds = round + 1
      onRound(round + 1, report)
    }
    return report
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function createTable({ warehouse }: TestWarehouse): Promise<void> {
  await warehouse.command('CREATE DATABASE kills')
  await warehouse.command(
    `CREATE TABLE kills.rows (batch UInt32, row UInt32, tag LowCardinality(String), body String)
     ENGINE = ReplacingMergeTree PARTITION BY batch % 3 ORDER BY (batch, row)
     SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1`,
  )
}

async function writeUntilKilled(
  { warehouse }: TestWarehouse,
  { take, confirmed, onConfirmed }: { take: () => number; confirmed: Set<number>; onConfirmed: () => void },
): Promise<void> {
  for (;;) {
    const batch = take()
    const rows = Array.from({ length: rowsPerBatch }, (_, row) => ({ batch, row, tag: `t${row % 5}`, body: 'x'.repeat(300) }))
    try {
      await warehouse.insert('kills.rows', rows)
    } catch {
      // The kill: this batch was never confirmed, so nothing is promised of it.
      return
    }
    confirmed.add(batch)
    onConfirmed()
  }
}

async function findMissing({ warehouse }: TestWarehouse, confirmed: ReadonlySet<number>): Promise<number[]> {
  const rows = await warehouse.query<{ batch: number }>(
    `SELECT batch FROM kills.rows GROUP BY batch HAVING uniqExact(row) = ${rowsPerBatch}`,
  )
  const whole = new Set(rows.map((row) => row.batch))
  return [...confirmed].filter((batch) => !whole.has(batch))
}
