import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sha256Hex } from '../../contracts/canonical-json.ts'
import { ServiceError } from '../../contracts/errors.ts'
import { splitStatements } from './split-statements.ts'

export type Migration = { number: number; name: string; sha256: string; statements: string[] }

export const migrationsDir = fileURLToPath(new URL('./migrations', import.meta.url))
/** Access control for readers: for a ClickHouse server only, applied by its operator. */
export const serverOnlyDir = fileURLToPath(new URL('./server-only', import.meta.url))

/** The migrations of a folder by number. Throws `invalid_config` on a misnamed file or two with one number. */
export async function readMigrations(dir: string = migrationsDir): Promise<Migration[]> {
  const names = (await readdir(dir)).filter((name) => name.endsWith('.sql'))
  const migrations = await Promise.all(names.map((name) => readMigration(join(dir, name))))
  migrations.sort((a, b) => a.number - b.number)
  for (const [index, migration] of migrations.entries())
    if (migration.number === migrations[index - 1]?.number)
      throw new ServiceError('invalid_config', `two migrations have the number ${migration.number}`, { path: migration.name })
  return migrations
}

async function readMigration(file: string): Promise<Migration> {
  const name = basename(file)
  const number = /^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1]
  if (number === undefined) throw new ServiceError('invalid_config', 'a migration is named like 0001_what_it_does.sql', { path: name })
  const sql = await readFile(file, 'utf8')
  return { number: Number(number), name, sha256: sha256Hex(sql), statements: splitStatements(sql) }
}
