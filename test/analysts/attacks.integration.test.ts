import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrate } from '../../platform/schema/migrate.ts'
import { readMigrations } from '../../platform/schema/migration-files.ts'
import { passwordFilePath, readPassword } from '../../platform/service/warehouse-password.ts'
import { createWarehouse } from '../../platform/warehouse/warehouse-clickhouse.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { casesOf } from '../testing/full-run.ts'
import { type ServiceProcess, startService } from '../testing/service-process.ts'
import { type Attack, type Planted, attacks as allAttacks, plant, questions } from '../testing/planted.ts'

/** The attacks that are tried: the first and every eighth of each kind, or all of them. */
const attacks = casesOf({ few: allAttacks.filter((attack) => placeInKind(attack) % 8 === 0), all: allAttacks })

const dataDir = mkdtempSync(join(tmpdir(), 'hindsight-analysts-'))
/** A text in the statement of another person, which runs meanwhile. */
const foreign = `foreign-${randomUUID()}`
let planted: Planted
let service: ServiceProcess
let warehouse: Warehouse
let password: string
let stopForeign: () => Promise<void>

beforeAll(async () => {
  planted = await plant()
  const ports = { HINDSIGHT_WAREHOUSE_PORT: '0', HINDSIGHT_WAREHOUSE_READ_ONLY_PORT: '0' }
  service = await startService('warehouse', { HINDSIGHT_DATA_DIR: dataDir, CLICKHOUSE_PASSWORD: '', ...ports })
  password = readPassword(dataDir) as string
  warehouse = createWarehouse({ url: service.addresses['http'] as string, password })
  stopForeign = runForeign()
})
afterAll(async () => {
  await stopForeign?.()
  await warehouse?.close()
  service?.kill()
  await planted?.remove()
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 })
})

/** Runs a foreign query until it is stopped; it has failed once with the same text. It has no priority: with one, analysts' queries would yield to it. */
function runForeign(): () => Promise<void> {
  const leave = new AbortController()
  const ask = async (sql: string) => await sendTo('http', { kind: '', sql }, { password, signal: leave.signal })
  const running = ask(`SELECT '${foreign}', toUInt8('${foreign}')`)
    .then(() => ask(`SELECT sleepEachRow(1), '${foreign}' FROM numbers(3600) SETTINGS max_block_size = 1, priority = 0`))
    .catch((error: unknown) => error)
  return async () => {
    leave.abort()
    await running
  }
}

function placeInKind(attack: Attack): number {
  return allAttacks.filter(({ kind }) => kind === attack.kind).indexOf(attack)
}

type Answer = { status: number; text: string; code: string | null; retryAfter: string | null }
type Sender = { password?: string; signal?: AbortSignal }

async function sendTo(port: 'http' | 'http_read_only', attack: Attack, { password: key, signal }: Sender = {}): Promise<Answer> {
  const aimed = (fields: Record<string, string> = {}) =>
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [planted.aim(name), planted.aim(value)]))
  const response = await fetch(`${service.addresses[port]}/?${new URLSearchParams(aimed(attack.query))}`, {
    method: 'POST',
    body: planted.aim(attack.sql),
    headers: { ...aimed(attack.headers), ...(key !== undefined && { 'x-clickhouse-user': 'default', 'x-clickhouse-key': key }) },
    ...(signal !== undefined && { signal }),
  })
  const { headers } = response
  return {
    status: response.status,
    text: await response.text(),
    code: headers.get('x-clickhouse-exception-code'),
    retryAfter: headers.get('retry-after'),
  }
}

/** Whether anything of others is in the answer: the file, another's statement, a folder of the warehouse. */
function leaks({ text }: Answer): string[] {
  return [planted.marker, foreign, dataDir].filter((secret) => text.includes(secret))
}

const atOnce = 16

/** Uses all at once what is refused before the engine sees it: there is no queue that could be full. */
async function eachAtOnce<T>(items: readonly T[], use: (item: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += atOnce) await Promise.all(items.slice(from, from + atOnce).map(use))
}

function expectUntouched(): void {
  expect({ written: planted.written(), connections: planted.connections() }).toEqual({ written: [], connections: 0 })
}

test('there are enough of them', () => {
  expect(allAttacks.length).toBeGreaterThanOrEqual(250)
  expect(questions.length).toBeGreaterThanOrEqual(60)
})

describe('before there is something to read', () => {
  async function expectClosed(): Promise<void> {
    await eachAtOnce(attacks, async (attack) => {
      const answer = await sendTo('http_read_only', attack)
      expect({ sql: attack.sql, ...answer }).toMatchObject({ status: 503, code: '667', retryAfter: '5' })
      expect({ sql: attack.sql, leaks: leaks(answer) }).toEqual({ sql: attack.sql, leaks: [] })
    })
    for (const path of ['/ping', '/replicas_status'])
      expect((await fetch(`${service.addresses['http_read_only']}${path}`)).status).toBe(503)
    expectUntouched()
  }

  test('after a fresh start nothing is answered', expectClosed)

  test('while it is migrated nothing is answered', async () => {
    const migrations = await readMigrations()
    await migrate(warehouse, migrations.slice(0, Math.ceil(migrations.length / 2)))
    expect(await warehouse.query(`SELECT count() AS n FROM system.databases WHERE name = 'gold'`)).toEqual([{ n: '1' }])
    await expectClosed()
  })

  test('after a migration has failed nothing is answered', async () => {
    const migrations = await readMigrations()
    const broken = { number: 9_999, name: '9999_broken.sql', sha256: '0'.repeat(64), statements: ['CREATE TABLE gold.broken'] }
    await expect(migrate(warehouse, [...migrations.slice(0, -1), broken])).rejects.toThrow()
    await expectClosed()
  })
})

describe('once it is ready', () => {
  beforeAll(async () => {
    await migrate(warehouse)
    await warehouse.command('CREATE TABLE gold.t (a UInt32, file String) ENGINE = ReplacingMergeTree ORDER BY a')
    await warehouse.command('CREATE TABLE gold.t_ids (a UInt32) ENGINE = Set')
    await warehouse.command('CREATE TABLE gold.j (a UInt32, b UInt32) ENGINE = Join(ANY, LEFT, a)')
    await warehouse.command('CREATE VIEW gold.v AS SELECT * FROM gold.t WHERE a = {x:UInt32}')
    // The table belongs to gold, and leads to what analysts are not to read.
    await warehouse.command(`CREATE TABLE gold.outside ENGINE = Merge('bronze', 'prediction_payloads')`)
    await warehouse.insert('gold.t', [{ a: 1, file: 'f' }])
    await warehouse.insert('gold.t_ids', [{ a: 1 }])
  })

  test('it says so', async () => {
    await expect.poll(async () => (await fetch(`${service.addresses['http_read_only']}/ping`)).status).toBe(200)
  })

  const inventory = () => warehouse.query('SELECT database, name, total_rows FROM system.tables WHERE has_own_data ORDER BY ALL')

  test('no attack is answered with what is not the analyst’s', async () => {
    const before = await inventory()
    const odd: unknown[] = []
    for (const attack of attacks) {
      const answer = await sendTo('http_read_only', attack)
      const isAnswer = answer.status === 200 && attack.answered !== true
      if (isAnswer || answer.status === 503 || leaks(answer).length > 0 || answer.code === '1002')
        odd.push({ ...attack, ...answer, text: answer.text.slice(0, 200), leaks: leaks(answer) })
    }
    expect(odd).toEqual([])
    expectUntouched()
    expect(await inventory()).toEqual(before)
  })

  test('a result is no larger on the disk than it may be, whatever the engine counts', async () => {
    const sql = `SELECT repeat('a', 100000) FROM numbers(1000000) SETTINGS max_block_size = 1000`
    const answer = await sendTo('http_read_only', { kind: 'large', sql, query: { wait_end_of_query: '1' } })
    expect(answer).toMatchObject({ code: '396' })
  })

  test.each(questions)('%s', async (sql) => {
    const { status, text } = await sendTo('http_read_only', { kind: 'question', sql })
    expect({ status, text: status === 200 ? '' : text }).toEqual({ status: 200, text: '' })
  })
})

describe('what would hold the process', () => {
  // The sizes are small enough for a bound that holds on a busy machine, and large enough to pass it where each place is looked at from
  // each other.
  test.each([
    ['dots in an error', `SELECT throwIf(1, '${'.'.repeat(300_000)}x')`],
    ['spaces in an error', `SELECT throwIf(1, '${' '.repeat(300_000)}x')`],
    ['aliases in a text', `SELECT '${'(alias '.repeat(100_000)}'`],
    ['dots in a statement', `SELECT ${'.'.repeat(300_000)}x`],
    ['unclosed heredocs', `SELECT ${Array.from({ length: 20_000 }, (_, index) => `$${index}$`).join(' ')}`],
  ])('%s', async (_, sql) => {
    await sendTo('http_read_only', { kind: 'long', sql }, { signal: AbortSignal.timeout(10_000) })
  })
})

describe('on the services’ port', () => {
  test('its password is the owner’s alone to read', () => {
    expect(statSync(passwordFilePath(dataDir)).mode & 0o777).toBe(0o600)
    expect(password.length).toBeGreaterThanOrEqual(32)
  })

  test.each([{}, { password: '' }, { password: 'wrong' }])('nothing is answered with %o', async (sender) => {
    await eachAtOnce(attacks, async (attack) => {
      const answer = await sendTo('http', { ...attack, headers: {} }, sender)
      expect({ sql: attack.sql, ...answer }).toMatchObject({ status: 403, code: '516' })
    })
    expectUntouched()
  })

  test.each([
    "file('$SECRET')",
    "concat(file('$SECRET'), '')",
    "`file`('$SECRET')",
    "(SELECT * FROM file('$SECRET', 'LineAsString'))",
    "(SELECT b FROM format(JSONEachRow, 'a String, b String DEFAULT file(''$SECRET'')', '{}'))",
    'getServerSetting(0)',
    "‘'’ || file('$SECRET') || ‘'’",
    "'a' // '\n || file('$SECRET') // '\n",
  ])('no row that comes with an INSERT is computed from %s', async (value) => {
    for (const query of [{}, { input_format_values_interpret_expressions: '1' }]) {
      const sql = `INSERT INTO gold.t VALUES (7, ${value})`
      expect((await sendTo('http', { kind: 'rows', sql, query }, { password })).status).not.toBe(200)
      const setting = sql.replace(' VALUES', ' SETTINGS input_format_values_interpret_expressions = 1 VALUES')
      expect(await sendTo('http', { kind: 'rows', sql: setting, query }, { password })).toMatchObject({ status: 403, code: '497' })
    }
    expect(await warehouse.query('SELECT file FROM gold.t WHERE a = 7')).toEqual([])
  })

  test.each(['SYSTEM JEMALLOC FLUSH PROFILE', 'SYSTEM RELOAD CONFIG', 'SYSTEM SHUTDOWN', 'system kill'])('%s is not taken', async (sql) => {
    expect(await sendTo('http', { kind: 'system command', sql }, { password })).toMatchObject({ status: 403, code: '497' })
  })

  test.each(['SYSTEM STOP MERGES gold.t', 'system start merges gold.t', 'SYSTEM FLUSH LOGS'])('%s is taken', async (sql) => {
    expect(await sendTo('http', { kind: 'system command', sql }, { password })).toMatchObject({ status: 200 })
  })

  const outward = attacks.filter(({ sql }) => /\$(SECRET|FOLDER|OUT|RELATIVE|URL|PORT)/.test(sql))

  test('with it no file is read or written and no server is called', async () => {
    const leaked: unknown[] = []
    for (const attack of outward) {
      const answer = await sendTo('http', attack, { password })
      if (answer.text.includes(planted.marker) || answer.code === '1002')
        leaked.push({ ...attack, ...answer, text: answer.text.slice(0, 200) })
    }
    expect(leaked).toEqual([])
    expectUntouched()
  })
})
