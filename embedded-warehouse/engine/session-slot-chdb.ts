import type { ChdbResult, Session } from 'chdb'
import { setTimeout } from 'node:timers/promises'
import { EngineError, parseErrorText } from './engine-error.ts'
import type { QueryNumbers } from './query-numbers.ts'

/** What one request changes in its session; put back when the session is released. */
export type SessionSetup = { database?: string; settings: ReadonlyMap<string, string>; params: ReadonlyMap<string, string> }

export type Lease = {
  query(sql: string, format: string): Promise<ChdbResult>
  setUp(setup: SessionSetup): Promise<void>
  /** The progress of the query that runs on this session; undefined when none does, or when the engine cannot say. */
  progress(): Promise<QueryNumbers | undefined>
  /** Stops what runs on this session, now and until it is released: it fails with QUERY_WAS_CANCELLED. */
  cancel(): void
  /** The session is not fit for another user: replaced when released. */
  spoil(): void
}

export type Slot = { lease: Lease; take(): void; restore(): Promise<void>; close(): void }
/** A slot whose statements may change its session for those that follow. */
export type KeptSlot = Slot & { holdsState(): boolean }
type SlotDeps = {
  name: string
  open: (name: string) => Session
  /** The database of a fresh session. */
  home: string
  control: Session
  settings: ReadonlyMap<string, SettingState>
  /** Whether what a statement does to the session stays; what came with its request never does. */
  keeps?: boolean
}
/** A setting as a fresh session of the pool has it. */
export type SettingState = { value: string; changed: boolean }

/** A session that one request at a time has to itself, and that shows the next one nothing of the last unless it `keeps`. */
export function createSlot({ name, open, home, control, settings, keeps = false }: SlotDeps): KeptSlot {
  let session = open(name)
  let spoilt = false
  let fresh: SessionDefaults = { home, initial: settings }
  let holdsState = false
  let changed: SessionSetup | undefined
  let isLeased = false
  let cancelling: Promise<void> | undefined
  /** The condition that finds this session's query among the engine's processes. */
  const isOurs = `Settings['log_comment'] = ${quoteString(name)}`

  function assertLive(): void {
    if (cancelling !== undefined) throw new EngineError(394, 'QUERY_WAS_CANCELLED', 'Query was cancelled')
  }

  /** A query that has just begun is not in the list of processes yet: asks again until the session is released. */
  async function killUntilReleased(): Promise<void> {
    while (isLeased) {
      await control.queryAsync(`KILL QUERY WHERE ${isOurs}`)
      if (isLeased) await setTimeout(100)
    }
  }

  const lease: Lease = {
    async query(sql, format) {
      assertLive()
      return await session.queryAsync(sql, { format }).catch(rethrow)
    },
    async setUp({ database, settings: wanted, params }) {
      const settings = new Map([...wanted].filter(([setting, value]) => fresh.initial.get(setting)?.value !== value))
      changed = { ...(database !== undefined && { database }), settings, params }
      if (database !== undefined) await lease.query(`USE ${quoteIdentifier(database)}`, 'TSV')
      const assignments = [...assign(settings), ...assign(params, 'param_')]
      if (assignments.length > 0) await lease.query(`SET ${assignments.join(', ')}`, 'TSV')
    },
    async progress() {
      const sql = `SELECT read_rows, read_bytes, total_rows_approx AS total_rows_to_read, elapsed FROM system.processes WHERE ${isOurs}`
      const found = await control.queryAsync(sql, { format: 'JSONEachRow' }).catch(() => undefined)
      const row = found?.text() ?? ''
      return row === '' ? undefined : (JSON.parse(row) as QueryNumbers)
    },
    cancel() {
      if (!isLeased) return
      cancelling ??= killUntilReleased()
    },
    spoil() {
      spoilt = true
    },
  }

  async function restore(): Promise<void> {
    isLeased = false
    try {
      await cancelling
      if ((keeps || !spoilt) && changed !== undefined) await reset(session, changed, fresh)
      if (keeps && spoilt) {
        fresh = await readState(session)
        holdsState = true
        spoilt = false
      }
    } catch {
      // A session that cannot be put back is thrown away; that is all its error means.
      spoilt = true
    }
    if (spoilt) {
      session.close()
      session = open(name)
      fresh = { home, initial: settings }
      holdsState = false
    }
    spoilt = false
    changed = cancelling = undefined
  }
  return {
    lease,
    take: () => (isLeased = true),
    restore,
    close: () => session.close(),
    holdsState: () => holdsState,
  }
}

type SessionDefaults = { home: string; initial: SlotDeps['settings'] }

async function reset(session: Session, { database, settings }: SessionSetup, { home, initial }: SessionDefaults): Promise<void> {
  const assignments = [...settings.keys()].map((name) => {
    const state = initial.get(name)
    return `${name} = ${state?.changed === true ? quoteString(state.value) : 'DEFAULT'}`
  })
  if (database !== undefined) await session.queryAsync(`USE ${quoteIdentifier(home)}`)
  if (assignments.length > 0) await session.queryAsync(`SET ${assignments.join(', ')}`)
}

async function readState(session: Session): Promise<SessionDefaults> {
  const database = await session.queryAsync('SELECT currentDatabase()', { format: 'TSVRaw' })
  return { home: database.text().trim(), initial: await readSettings(session) }
}

export async function readSettings(session: Session): Promise<Map<string, SettingState>> {
  const rows = await session.queryAsync('SELECT name, value, changed FROM system.settings', { format: 'JSONCompactEachRow' })
  const lines = rows
    .text()
    .split('\n')
    .filter((line) => line !== '')
  return new Map(
    lines.map((line) => {
      const [name, value, changed] = JSON.parse(line) as [string, string, number]
      return [name, { value, changed: changed === 1 }]
    }),
  )
}

function rethrow(error: unknown): never {
  throw toEngineError(error)
}

/** chDB gives the engine's error as its text alone. */
export function toEngineError(error: unknown): EngineError {
  if (error instanceof EngineError) return error
  return parseErrorText(error instanceof Error ? error.message : String(error))
}

function assign(values: ReadonlyMap<string, string>, prefix = ''): string[] {
  return [...values].map(([name, value]) => `${prefix}${name} = ${quoteString(value)}`)
}

export function quoteString(value: string): string {
  return `'${value.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`
}

export function quoteIdentifier(name: string): string {
  return `\`${name.replace(/\\/g, '\\\\').replace(/`/g, '\\`')}\``
}
