import { ServiceError } from '../../contracts/errors.ts'
import type { LogRecord } from '../../platform/event-log/event-log.ts'
import type { Fact } from '../engine/fact.ts'
import type { BronzeRecords, SeqRange } from './bronze-records.ts'
import { loadFromWarehouse } from './load-from-warehouse.ts'
import type { Place } from './positions.ts'
import { readRecord } from './read-record.ts'
import type { StoreWriter } from './store-writer.ts'
import { pause } from '../../platform/service/pause.ts'
import { retry } from '../../platform/service/retry.ts'

export type MaterializerEvents = {
  /** Called when a batch is committed, with its records by outcome. */
  onApplied(counts: { facts: number; passed: number; malformed: number }): void
  /** Told of records that the log skipped: `filled` from the warehouse, or given up as nowhere to be found. */
  onGap(range: SeqRange, outcome: 'filled' | 'lost'): void
  onLoad(progress: { facts: number; done: boolean }): void
  onWaiting(error: unknown): void
}

export type MaterializerDeps = MaterializerEvents & {
  writer: StoreWriter
  bronze: BronzeRecords
  /** Whether the log has said that it cannot read these records: then nothing is waited for. */
  isDamaged(range: SeqRange): boolean
  /** How long to wait for what the log skipped once the warehouse has the record behind it. Default 60 s. */
  gapPatienceMs?: number
  signal: AbortSignal
}

const pollMs = 250

/** Applies the log to the online store: in order, once, and from the warehouse where the log has a gap. */
export function createMaterializer(deps: MaterializerDeps) {
  const { writer, bronze, signal, gapPatienceMs = 60_000 } = deps

  /**
   * Makes every view ready: at once on a new system, else by loading everything from the warehouse. True when it did. Waits for
   * the warehouse and the store, which may start after this process.
   */
  async function open(): Promise<boolean> {
    return await retry(openOnce, { backOff: { firstMs: pollMs, mostMs: pollMs }, signal, onRetry: ({ error }) => deps.onWaiting(error) })
  }

  async function openOnce(): Promise<boolean> {
    await writer.refresh()
    if (await writer.isReady()) return false
    const isNew = writer.positions().list().length === 0 && (await bronze.completePositions()).length === 0
    if (isNew) await writer.markReady([])
    else await reload()
    return !isNew
  }

  /** Empties the store and loads it again. Until it is done, every feature is missing, `not_ready`. */
  async function reload(): Promise<number> {
    return await loadFromWarehouse({ writer, bronze, patienceMs: gapPatienceMs, onLoad: deps.onLoad, signal })
  }

  async function apply(records: readonly LogRecord[]): Promise<void> {
    let batch = emptyBatch()
    for (const record of records) {
      const place = placeOf(record)
      const reached = batch.reached.get(nameOf(place))?.seq ?? writer.positions().appliedEverywhere(place)
      if (place.seq <= reached) continue
      if (place.seq > reached + 1) {
        await commit(batch)
        batch = emptyBatch()
        await fillGap({ writerId: place.writerId, epoch: place.epoch, fromSeq: reached + 1, toSeq: place.seq - 1 })
      }
      add(batch, place, record)
    }
    await commit(batch)
  }

  async function commit(batch: Batch): Promise<void> {
    if (batch.reached.size === 0) return
    await writer.apply(batch.facts, [...batch.reached.values()])
    deps.onApplied(batch.counts)
  }

  /** What this consumer never received it takes from bronze, as soon as the logger has put it there. */
  async function fillGap(range: SeqRange): Promise<void> {
    const next = { ...range, fromSeq: range.toSeq + 1, toSeq: range.toSeq + 1 }
    let giveUpAt = Infinity
    let filled = false
    while (!signal.aborted && !filled && !deps.isDamaged(range) && performance.now() < giveUpAt) {
      filled = await bronze.covers(range)
      // While the logger is behind, nothing says that it will not come.
      if (!filled && giveUpAt === Infinity && (await bronze.covers(next))) giveUpAt = performance.now() + gapPatienceMs
      if (!filled) await pause(pollMs, signal)
    }
    if (signal.aborted) throw new ServiceError('draining', 'stopped while waiting for records that the log skipped')
    const facts = await bronze.factsIn(range)
    await writer.apply(facts, [{ writerId: range.writerId, epoch: range.epoch, seq: range.toSeq }])
    deps.onGap(range, filled ? 'filled' : 'lost')
  }

  /** Takes what the warehouse has beyond what was applied: after a load, when the log may never deliver it. */
  async function catchUp(): Promise<void> {
    for (const { writer_id: writerId, epoch, seq } of await bronze.completePositions()) {
      const fromSeq = writer.positions().appliedEverywhere({ writerId, epoch }) + 1
      if (fromSeq > seq) continue
      await writer.apply(await bronze.factsIn({ writerId, epoch, fromSeq, toSeq: seq }), [{ writerId, epoch, seq }])
    }
  }

  return { open, reload, apply, catchUp }
}

export type Materializer = ReturnType<typeof createMaterializer>

type Batch = { facts: Fact[]; reached: Map<string, Place>; counts: { facts: number; passed: number; malformed: number } }

function emptyBatch(): Batch {
  return { facts: [], reached: new Map(), counts: { facts: 0, passed: 0, malformed: 0 } }
}

function add(batch: Batch, place: Place, record: LogRecord): void {
  const read = readRecord(record)
  if (read.outcome === 'fact') batch.facts.push(read.fact)
  batch.counts[read.outcome === 'fact' ? 'facts' : read.outcome] += 1
  batch.reached.set(nameOf(place), place)
}

function placeOf({ origin }: LogRecord): Place {
  return { writerId: origin.writer_id, epoch: origin.epoch, seq: origin.seq }
}

function nameOf({ writerId, epoch }: Place): string {
  return `${epoch}/${writerId}`
}
