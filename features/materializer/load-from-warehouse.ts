import { setTimeout as sleep } from 'node:timers/promises'
import type { AppliedPosition } from '../../contracts/origin.ts'
import type { Fact } from '../engine/fact.ts'
import type { BronzeRecords } from './bronze-records.ts'
import type { StoreWriter } from './store-writer.ts'

export type LoadOptions = {
  writer: StoreWriter
  bronze: BronzeRecords
  /** How long to wait for the warehouse to have all that the emptied store had. */
  patienceMs: number
  onLoad(progress: { facts: number; done: boolean }): void
  signal: AbortSignal
}

/** How many facts share a commit: few enough to keep the process answering, many enough to share the writes of one entity. */
const factsPerCommit = 5_000

/** Empties the online store and loads it with everything the warehouse has without a gap. Returns the number of facts. */
export async function loadFromWarehouse(options: LoadOptions): Promise<number> {
  const { writer, bronze, onLoad, signal } = options
  const had = writer.positions().list()
  await writer.clear()
  const positions = await waitForPositions(options, had)
  let waiting: Fact[] = []
  let facts = 0
  async function flush(): Promise<void> {
    signal.throwIfAborted()
    await writer.load(waiting)
    facts += waiting.length
    waiting = []
    onLoad({ facts, done: false })
  }
  for await (const rows of bronze.factsUpTo(positions)) {
    waiting.push(...rows)
    if (waiting.length >= factsPerCommit) await flush()
  }
  await flush()
  await writer.markReady(positions)
  await writer.refresh()
  onLoad({ facts, done: true })
  return facts
}

async function waitForPositions(options: LoadOptions, had: readonly AppliedPosition[]): Promise<AppliedPosition[]> {
  const giveUpAt = performance.now() + options.patienceMs
  for (;;) {
    const positions = await options.bronze.completePositions()
    const covered = had.every((wanted) => positions.some((found) => isSameEpoch(found, wanted) && found.seq >= wanted.seq))
    if (covered || performance.now() >= giveUpAt) return positions
    options.signal.throwIfAborted()
    await sleep(250)
  }
}

function isSameEpoch(a: AppliedPosition, b: AppliedPosition): boolean {
  return a.writer_id === b.writer_id && a.epoch === b.epoch
}
