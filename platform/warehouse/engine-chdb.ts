import { mkdirSync } from 'node:fs'
import type { ChdbQueryStream, ChdbResult, Session } from 'chdb'
import { ServiceError } from '../../contracts/errors.ts'
import { EngineError, parseErrorText } from './engine-error.ts'
import { createLane, type Lane } from './session-lane.ts'

/** Reads of services, reads of analysts, inserts: none waits for another. */
export type LaneName = 'read' | 'analyst' | 'insert'

/** What one request changes in its session; put back when the session is released. */
export type SessionSetup = { database?: string; settings: ReadonlyMap<string, string>; params: ReadonlyMap<string, string> }

export type Lease = {
  query(sql: string, format: string): Promise<ChdbResult>
  stream(sql: string, format: string): ChdbQueryStream
  setUp(setup: SessionSetup): Promise<void>
  /** Stops what runs on this session; it then fails with QUERY_WAS_CANCELLED. */
  cancel(): void
  /** The session is not fit for another user: replaced when released. */
  spoil(): void
}

export type Engine = {
  version: string
  /** Waits for a free session of the lane. Throws TOO_MANY_SIMULTANEOUS_QUERIES when too many wait already. */
  lease<T>(lane: LaneName, signal: AbortSignal, use: (lease: Lease) => Promise<T>): Promise<T>
  /** Answers from a session that nothing else uses. */
  probe(): Promise<void>
  running(): number
  close(): Promise<void>
}

export type EngineOptions = {
  dir: string
  sessions?: Partial<Record<LaneName, number>>
  /** Requests that may wait for a session of a lane. */
  maxWaiting?: number
  /** Command-line arguments of the engine, over the defaults. */
  engineArgs?: readonly string[]
  /** Settings of the analysts' sessions, over the common ones. */
  analystArgs?: readonly string[]
}

const defaultSessions: Record<LaneName, number> = { read: 6, analyst: 4, insert: 2 }

/** Threads that libuv needs so that a busy session never keeps a file or a compression waiting. */
export const recommendedThreads = 24

/** Opens the one data directory of this process. Throws `invalid_config` when it cannot be used. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  // The engine takes its time zone from the environment; the warehouse speaks UTC wherever it runs.
  process.env['TZ'] = 'UTC'
  const chdb = await loadChdb()
  mkdirSync(options.dir, { recursive: true })
  const commonArgs = [...defaultArgs, ...(options.engineArgs ?? [])]
  const open = (name: string, args: readonly string[] = []) =>
    openSession(chdb.Session, options.dir, [...commonArgs, ...args, `--log_comment=${name}`])
  const control = open('control')
  const version = await text(control, 'SELECT version()')
  const counts = { ...defaultSessions, ...options.sessions }
  const lanes = {} as Record<LaneName, Lane<Slot>>
  for (const name of ['read', 'analyst', 'insert'] as const) {
    const openSlot = (slot: string) => open(slot, name === 'analyst' ? (options.analystArgs ?? []) : [])
    const sample = openSlot(name)
    const settings = await readSettings(sample)
    sample.close()
    const slots = Array.from({ length: counts[name] }, (_, index) => createSlot({ name: `${name}-${index}`, open: openSlot, control, settings }))
    lanes[name] = createLane({ name, slots, maxWaiting: options.maxWaiting ?? 200 })
  }
  let probing: Promise<void> | undefined
  const lease: Engine['lease'] = async (lane, signal, use) => {
    const slot = await lanes[lane].take(signal)
    try {
      return await use(slot.lease)
    } finally {
      await slot.restore()
      lanes[lane].give(slot)
    }
  }
  return {
    version,
    lease,
    probe() {
      probing ??= text(control, 'SELECT 1')
        .then(() => undefined)
        .finally(() => (probing = undefined))
      return probing
    },
    running: () => Object.values(lanes).reduce((sum, lane) => sum + lane.busy(), 0),
    async close() {
      for (const lane of Object.values(lanes)) for (const slot of lane.slots) slot.lease.cancel()
      await chdb.drainPending()
      for (const lane of Object.values(lanes)) for (const slot of lane.slots) slot.close()
      control.close()
      await chdb.drainPending()
    },
  }
}

/** Modest enough for a laptop; what a client sets in a request goes over it. */
const defaultArgs = [
  '--implicit_select=0',
  '--async_insert=0',
  '--session_timezone=UTC',
  '--date_time_input_format=best_effort',
  '--max_query_size=4194304',
  '--max_execution_time=3600',
  '--max_server_memory_usage_to_ram_ratio=0.5',
  '--mark_cache_size=268435456',
  '--uncompressed_cache_size=0',
  '--background_pool_size=4',
  '--background_schedule_pool_size=4',
  '--async_load_databases=0',
  '--async_load_system_database=0',
]

async function loadChdb(): Promise<typeof import('chdb')> {
  try {
    return await import('chdb')
  } catch (cause) {
    throw new ServiceError(
      'invalid_config',
      'the embedded warehouse needs the package chdb, which is not installed or has no build for this platform',
      {
        cause,
        hint: 'run npm ci without --omit=optional, or set CLICKHOUSE_URL to a ClickHouse server',
      },
    )
  }
}

function openSession(SessionClass: typeof Session, dir: string, connectionArgs: string[]): Session {
  try {
    return new SessionClass(dir, { connectionArgs })
  } catch (cause) {
    throw new ServiceError('invalid_config', `cannot open the warehouse in ${dir}: another process has it open, or it cannot be read`, {
      cause,
      hint: 'stop the other process, or choose another data directory',
    })
  }
}

type Slot = { lease: Lease; restore(): Promise<void>; close(): void }
type SlotDeps = { name: string; open: (name: string) => Session; control: Session; settings: ReadonlyMap<string, SettingState> }
/** A setting as a fresh session of the lane has it. */
type SettingState = { value: string; changed: boolean }

function createSlot({ name, open, control, settings: initial }: SlotDeps): Slot {
  let session = open(name)
  let spoilt = false
  let changed: SessionSetup | undefined
  let cancelling: Promise<unknown> | undefined
  let stream: ChdbQueryStream | undefined
  const lease: Lease = {
    query: (sql, format) => session.queryAsync(sql, { format }).catch(rethrow),
    stream(sql, format) {
      stream = session.queryStream(sql, { format })
      return stream
    },
    async setUp({ database, settings: wanted, params }) {
      const settings = new Map([...wanted].filter(([setting, value]) => initial.get(setting)?.value !== value))
      changed = { ...(database !== undefined && { database }), settings, params }
      if (database !== undefined) await lease.query(`USE ${quoteIdentifier(database)}`, 'TSV')
      const assignments = [...assign(settings), ...assign(params, 'param_')]
      if (assignments.length > 0) await lease.query(`SET ${assignments.join(', ')}`, 'TSV')
    },
    cancel() {
      stream?.cancel()
      cancelling ??= control.queryAsync(`KILL QUERY WHERE Settings['log_comment'] = ${quoteString(name)}`)
    },
    spoil() {
      spoilt = true
    },
  }
  async function restore(): Promise<void> {
    await cancelling
    try {
      if (!spoilt && changed !== undefined) await reset(session, changed, initial)
    } catch {
      // A session that cannot be put back is thrown away; that is all its error means.
      spoilt = true
    }
    if (spoilt) {
      session.close()
      session = open(name)
    }
    spoilt = false
    changed = cancelling = stream = undefined
  }
  return { lease, restore, close: () => session.close() }
}

async function reset(session: Session, { database, settings }: SessionSetup, initial: SlotDeps['settings']): Promise<void> {
  const assignments = [...settings.keys()].map((name) => {
    const state = initial.get(name)
    return `${name} = ${state?.changed === true ? quoteString(state.value) : 'DEFAULT'}`
  })
  if (database !== undefined) await session.queryAsync('USE default')
  if (assignments.length > 0) await session.queryAsync(`SET ${assignments.join(', ')}`)
}

async function readSettings(session: Session): Promise<Map<string, SettingState>> {
  const rows = await session.queryAsync('SELECT name, value, changed FROM system.settings', { format: 'JSONCompactEachRow' })
  const lines = rows.text().split('\n').filter((line) => line !== '')
  return new Map(
    lines.map((line) => {
      const [name, value, changed] = JSON.parse(line) as [string, string, number]
      return [name, { value, changed: changed === 1 }]
    }),
  )
}

async function text(session: Session, sql: string): Promise<string> {
  const result = await session.queryAsync(sql, { format: 'TSVRaw' })
  return result.text().trim()
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

function quoteIdentifier(name: string): string {
  return `\`${name.replace(/\\/g, '\\\\').replace(/`/g, '\\`')}\``
}
