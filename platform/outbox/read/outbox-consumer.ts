import { ServiceError } from '../../../contracts/errors.ts'
import type { Lane, Origin } from '../../../contracts/origin.ts'
import type { ConsumerLane } from './consumer-lane.ts'
import { createConsumerLanes } from './consumer-lanes.ts'
import type { EventLogConsumer, LogRecord } from '../../event-log/event-log.ts'
import type { LogDamage } from './lane-reader.ts'
import { createWakeup } from './wakeup.ts'
import { makeDirectory } from '../../service/durable-files.ts'

export type OutboxConsumerOptions = {
  /** The directory of all outboxes, `<data>/outbox`. */
  dir: string
  /** The durable name: lower case letters, digits, `_` and `-`. One process at a time. */
  name: string
  lanes: readonly Lane[]
  /** How long an idle fetch sleeps where no file notification wakes it. Default 25. */
  pollMs?: number
  /** Milliseconds between two looks for writers that have appeared or gone. Default 250. */
  scanMs?: number
  /** Told once of records that cannot be read; the ones behind them are delivered. `damaged()` counts them. */
  onDamage?: (damage: LogDamage) => void
}

/** A consumer of outboxes: beyond the port, `damaged` counts the records that were reported as damaged, at least one for each report. */
export type OutboxConsumer = Omit<EventLogConsumer, 'confirm'> & {
  damaged(): number
  /** Confirms as the port says; a record's origin is enough. */
  confirm(records: readonly Pick<LogRecord, 'origin'>[]): Promise<void>
  /** A record that was delivered and is not confirmed, read from the disk once more; undefined when it is no longer there. */
  reread(origin: Origin): Promise<LogRecord | undefined>
}

type FetchOptions = Parameters<EventLogConsumer['fetch']>[0]

const namePattern = /^[a-z][a-z0-9_-]{0,63}$/

/**
 * Opens a durable consumer of these lanes of every outbox in the directory. A record is delivered once per opening;
 * its payload is a view into a chunk of up to a few MiB, so copy what is kept for long.
 *
 * @example
 * ```ts
 * import { openOutboxConsumer } from './outbox-consumer.ts'
 *
 * const consumer = await openOutboxConsumer({ dir: 'data/outbox', name: 'logger', lanes: ['labels', 'predictions'] })
 * const records = await consumer.fetch({ maxRecords: 1_000, maxBytes: 4 * 1024 ** 2, waitMs: 0 })
 * // Whatever is to be done with them is done here. What is not confirmed comes again after a restart.
 * await consumer.confirm(records)
 * await consumer.close()
 * ```
 */
export async function openOutboxConsumer(options: OutboxConsumerOptions): Promise<OutboxConsumer> {
  const { dir, name, lanes, pollMs = 25, scanMs = 250, onDamage = () => undefined } = options
  if (!namePattern.test(name)) throw new ServiceError('invalid_config', `"${name}" is no consumer name.`)
  await makeDirectory(dir)

  const wakeup = createWakeup()
  const open = createConsumerLanes({ dir, consumer: name, lanes, scanMs, wakeup, onDamage: countDamage })
  let damagedRecords = 0
  let closed = false
  let turn: Promise<unknown> = Promise.resolve()
  let rotation = 0

  function countDamage(damage: LogDamage): void {
    damagedRecords += damage.toSeq === undefined ? 1 : damage.toSeq - damage.fromSeq + 1
    onDamage(damage)
  }

  async function fetchNow({ maxRecords, maxBytes, waitMs, signal }: FetchOptions): Promise<LogRecord[]> {
    const until = performance.now() + waitMs
    while (!closed && !signal?.aborted) {
      wakeup.reset()
      await open.look()
      const records = await collect(maxRecords, maxBytes)
      const leftMs = until - performance.now()
      if (records.length > 0 || leftMs <= 0) return records
      await wakeup.wait(Math.min(pollMs, leftMs), signal)
    }
    return []
  }

  /** Starts at another lane each time, so that a full one does not keep the others waiting. */
  async function collect(maxRecords: number, maxBytes: number): Promise<LogRecord[]> {
    const sources = open.all()
    const out: LogRecord[] = []
    let bytes = maxBytes
    rotation += 1
    for (let index = 0; index < sources.length && out.length < maxRecords && bytes > 0; index += 1) {
      const records = await readFrom(sources[(rotation + index) % sources.length], { records: maxRecords - out.length, bytes }, out)
      for (const record of records) {
        out.push(record)
        bytes -= record.payload.length
      }
    }
    return out
  }

  /** Reads from a lane. One that fails must not swallow what others have given: its fault is thrown when its turn to be the first comes. */
  async function readFrom(lane: ConsumerLane | undefined, budget: { records: number; bytes: number }, out: LogRecord[]) {
    try {
      return (await lane?.read(budget)) ?? []
    } catch (error) {
      if (out.length === 0) throw error
      return []
    }
  }

  async function confirm(records: readonly Pick<LogRecord, 'origin'>[]): Promise<void> {
    if (closed) throw new ServiceError('outbox_unavailable', `The consumer ${name} is closed.`)
    const touched = new Set<ConsumerLane>()
    for (const { origin } of records) {
      const lane = open.laneOf(origin)
      // The lane's outbox has been removed, which happens only when all of it has been confirmed.
      if (lane === undefined) continue
      lane.confirm(origin)
      touched.add(lane)
    }
    await Promise.all([...touched].map((lane) => lane.save()))
  }

  /** Runs one thing at a time: readers and the set of lanes are not for concurrent use. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work)
    turn = result.catch(() => undefined)
    return result
  }

  return {
    fetch: (fetchOptions) => inTurn(() => fetchNow(fetchOptions)),
    confirm,
    lag: () => Promise.all(open.all().map((lane) => lane.lag())),
    reachable: () => !closed,
    damaged: () => damagedRecords,
    reread: async (origin) => open.laneOf(origin)?.reread(origin),
    async close() {
      closed = true
      wakeup.close()
      await inTurn(open.close)
    },
  }
}
