import { mkdirSync } from 'node:fs'
import type { Session } from 'chdb'
import { ServiceError } from '../../contracts/errors.ts'
import { type SessionPool, createSessionPool } from './session-pool.ts'
import { takeFirst } from './take-first.ts'
import { type Lease, type KeptSlot, type SettingState, type Slot, createSlot, readSettings } from './session-slot-chdb.ts'

/**
 * The pools of sessions: reads of services, inserts, reads of analysts, those of them that read little, those that do so through views,
 * and the judging of statements. None waits for another.
 */
export type PoolName = 'read' | 'insert' | 'analyst' | 'brief' | 'views' | 'judge'

export type Engine = {
  version: string
  /** Waits for a free session of the pool, or for its turn in a `kept` one. Throws TOO_MANY_SIMULTANEOUS_QUERIES when too many wait already, or too long. */
  lease<T>(pool: PoolName, signal: AbortSignal, use: (lease: Lease) => Promise<T>, kept?: KeptSlot): Promise<T>
  /** Waits for the first free session of several pools, the first of them preferred. Throws when none of them had one in time. */
  leaseFirst<T>(pools: readonly PoolName[], signal: AbortSignal, use: (lease: Lease, pool: PoolName) => Promise<T>): Promise<T>
  /** A further session, which keeps what statements change; it runs within the bounds of whichever pool it is used in. */
  openKept(): KeptSlot
  /** How many writes to files have failed since it was opened, from a session that nothing else uses. */
  failedWrites(): Promise<number>
  /** The settings with which the sessions of the pool begin. */
  settingsOf(pool: PoolName): ReadonlyMap<string, SettingState>
  running(): number
  close(): Promise<void>
}

export type EngineOptions = {
  dir: string
  sessions?: Partial<Record<PoolName, number>>
  /** How many requests may wait for a session of each pool, and how long. */
  waiting?: Partial<Record<PoolName, WaitBounds>>
  /** Command-line arguments of the engine, over the defaults. */
  engineArgs?: readonly string[]
  /** Settings of the analysts' sessions, over the common ones. */
  analystArgs?: readonly string[]
}

export type WaitBounds = { maxWaiting: number; maxWaitMs?: number }

const defaultSessions: Record<PoolName, number> = { read: 6, insert: 2, analyst: 3, brief: 1, views: 1, judge: 2 }

/** The default bounds of each pool's queue: a service waits as long as its own timeout says, a person is told after some seconds. */
const defaultWaiting: Record<PoolName, WaitBounds> = {
  read: { maxWaiting: 200 },
  insert: { maxWaiting: 200 },
  analyst: { maxWaiting: 24, maxWaitMs: 20_000 },
  brief: { maxWaiting: 48, maxWaitMs: 10_000 },
  views: { maxWaiting: 24, maxWaitMs: 20_000 },
  judge: { maxWaiting: 100, maxWaitMs: 10_000 },
}
const poolNames = ['read', 'insert', 'analyst', 'brief', 'views', 'judge'] as const

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
  const pools = {} as Record<PoolName, SessionPool<Slot>>
  const settingsOf = {} as Record<PoolName, ReadonlyMap<string, SettingState>>
  for (const name of poolNames) {
    const isAnalyst = name === 'analyst' || name === 'brief' || name === 'views'
    const openSlot = (slot: string) => open(slot, [...poolArgs[name], ...(isAnalyst ? (options.analystArgs ?? []) : [])])
    const sample = openSlot(name)
    const settings = await readSettings(sample)
    sample.close()
    settingsOf[name] = settings
    const slots = Array.from({ length: counts[name] }, (_, index) =>
      createSlot({
        name: `${name}-${index}`,
        open: openSlot,
        home: isAnalyst || name === 'judge' ? 'system' : 'default',
        control,
        settings,
      }),
    )
    pools[name] = createSessionPool({ name, slots, ...(options.waiting?.[name] ?? defaultWaiting[name]) })
  }
  async function useSlot<T>(slot: Slot, give: () => void, use: (lease: Lease) => Promise<T>): Promise<T> {
    slot.take()
    try {
      return await use(slot.lease)
    } finally {
      await slot.restore()
      give()
    }
  }
  const lease: Engine['lease'] = async (pool, signal, use, kept) => {
    const own = await pools[pool].take(signal)
    return await useSlot(kept ?? own, () => pools[pool].give(own), use)
  }
  let keptCount = 0
  return {
    version,
    lease,
    async leaseFirst(names, signal, use) {
      const { pool, slot } = await takeFirst(
        names.map((name) => pools[name]),
        signal,
      )
      const name = names.find((each) => pools[each] === pool) as PoolName
      return await useSlot(
        slot,
        () => pool.give(slot),
        (own) => use(own, name),
      )
    },
    openKept: () =>
      createSlot({
        name: `session-${keptCount++}`,
        open: (name) => open(name, poolArgs.read),
        home: 'default',
        control,
        settings: settingsOf.read,
        keeps: true,
      }),
    failedWrites: async () => Number(await text(control, failedWritesQuery)),
    settingsOf: (pool) => settingsOf[pool],
    running: () => Object.values(pools).reduce((sum, pool) => sum + pool.busy(), 0),
    async close() {
      for (const pool of Object.values(pools)) for (const slot of pool.slots) slot.lease.cancel()
      await chdb.drainPending()
      for (const pool of Object.values(pools)) for (const slot of pool.slots) slot.close()
      control.close()
      await chdb.drainPending()
    },
  }
}

const failedWritesQuery = "SELECT sum(value) FROM system.events WHERE event = 'WriteBufferFromFileDescriptorWriteFailed'"

/** The engine's default arguments, modest enough for a laptop; settings of a request override them. */
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

/** While a query of a lower number runs, those of a higher one pause between blocks: a scan yields to an insert. */
const poolArgs: Record<PoolName, readonly string[]> = {
  insert: ['--priority=1'],
  read: ['--priority=2'],
  // In its own default database the embedded engine takes an unknown table for a file of that name.
  analyst: ['--priority=3', '--database=system'],
  brief: ['--priority=2', '--database=system'],
  views: ['--priority=2', '--database=system'],
  judge: ['--priority=1', '--database=system'],
}

async function loadChdb() {
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

function openSession(
  SessionClass: new (dir: string, options: { connectionArgs: string[] }) => Session,
  dir: string,
  connectionArgs: string[],
): Session {
  try {
    return new SessionClass(dir, { connectionArgs })
  } catch (cause) {
    throw new ServiceError('invalid_config', `cannot open the warehouse in ${dir}: another process has it open, or it cannot be read`, {
      cause,
      hint: 'stop the other process, or choose another data directory',
    })
  }
}

async function text(session: Session, sql: string): Promise<string> {
  const result = await session.queryAsync(sql, { format: 'TSVRaw' })
  return result.text().trim()
}
