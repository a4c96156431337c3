import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { describeOutbox } from '../../platform/outbox/describe-outbox.ts'

const lookEveryMs = 50

/** Records durable in the log that some consumer has not confirmed yet, by consumer; one that is behind by none is left out. */
export async function lagByConsumer(dataDir: string): Promise<Record<string, number>> {
  const { writers } = await describeOutbox(join(dataDir, 'outbox'))
  const lag: Record<string, number> = {}
  for (const { consumer, records } of writers.flatMap((writer) => writer.lanes.flatMap((lane) => lane.consumers)))
    if (records > 0) lag[consumer] = (lag[consumer] ?? 0) + records
  return lag
}

/** Waits until every consumer has confirmed every record. Resolves with what is left at the deadline: nothing when it was met. */
export async function waitForEmptyLog(dataDir: string, deadlineMs: number, signal?: AbortSignal): Promise<Record<string, number>> {
  const deadline = Date.now() + deadlineMs
  for (;;) {
    const lag = await lagByConsumer(dataDir)
    if (Object.keys(lag).length === 0 || Date.now() >= deadline || signal?.aborted) return lag
    await wait(lookEveryMs)
  }
}
