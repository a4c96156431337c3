import { ServiceError } from '../../contracts/errors.ts'
import type { Warehouse } from '../warehouse/warehouse.ts'
import { type Migration, readMigrations } from './migration-files.ts'

/**
 * Brings the warehouse to the shape of this build and returns the names of the files it ran. Several processes may do
 * so at once: every statement can be repeated. Throws `invalid_config` when a file that was applied has since changed.
 */
export async function migrate(warehouse: Warehouse, migrations?: readonly Migration[]): Promise<string[]> {
  const files = migrations ?? (await readMigrations())
  for (const statement of bootstrap) await warehouse.command(statement)
  const applied = await appliedHashes(warehouse)
  refuseChanged(files, applied)
  const pending = files.filter((file) => !applied.has(file.number))
  for (const file of pending) await apply(warehouse, file)
  return pending.map((file) => file.name)
}

/** The migrations that this build knows and the warehouse has not. */
export async function pendingMigrations(warehouse: Warehouse): Promise<string[]> {
  const [{ known } = { known: 0 }] = await warehouse.query<{ known: number }>(
    `SELECT toUInt8(count()) AS known FROM system.tables WHERE database = 'hindsight' AND name = 'migrations'`,
  )
  const files = await readMigrations()
  const applied = known === 0 ? new Map<number, AppliedRow>() : await appliedHashes(warehouse)
  return files.filter((file) => !applied.has(file.number)).map((file) => file.name)
}

type AppliedRow = { number: number; name: string; sha256: string }

const bootstrap = [
  `CREATE DATABASE IF NOT EXISTS hindsight COMMENT 'What Hindsight records about itself.'`,
  `CREATE TABLE IF NOT EXISTS hindsight.migrations
(
  number UInt32 COMMENT 'Number of the migration file.',
  name String COMMENT 'Name of the migration file.',
  sha256 FixedString(64) COMMENT 'SHA-256 (hexadecimal) of the file as it was applied.',
  applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was applied.'
)
ENGINE = ReplacingMergeTree
ORDER BY (number, sha256)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Migrations that have been applied to this warehouse.'`,
]

async function appliedHashes(warehouse: Warehouse): Promise<Map<number, AppliedRow>> {
  const rows = await warehouse.query<AppliedRow>('SELECT number, name, sha256 FROM hindsight.migrations FINAL ORDER BY number, applied_at')
  return new Map(rows.map((row) => [Number(row.number), row]))
}

// A number beyond the newest file is a newer build's: its shape is this one plus more, so an older process may go on.
function refuseChanged(files: readonly Migration[], applied: ReadonlyMap<number, AppliedRow>): void {
  const newest = files.at(-1)?.number ?? 0
  for (const [number, row] of applied) {
    const file = files.find((candidate) => candidate.number === number)
    if (file?.sha256 === row.sha256 || (file === undefined && number > newest)) continue
    throw new ServiceError(
      'invalid_config',
      `migration ${row.name} was applied to this warehouse and has since ${file ? 'changed' : 'gone'}`,
      {
        path: file?.name ?? row.name,
        hint: 'Migrations are forward only: restore the file and put the change into a new one.',
      },
    )
  }
}

async function apply(warehouse: Warehouse, file: Migration): Promise<void> {
  for (const statement of file.statements) await warehouse.command(statement)
  await warehouse.insert('hindsight.migrations', [{ number: file.number, name: file.name, sha256: file.sha256 }])
}
