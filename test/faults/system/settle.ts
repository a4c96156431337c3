import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { lagByConsumer } from '../../../bin/supervisor/event-log-lag.ts'
import { pendingInStreams } from './jetstream-nats.ts'
import { startAll } from './start-all.ts'
import type { FaultSystem } from './system.ts'

const lookEveryMs = 50

/**
 * Waits until nothing is under way any more: every outbox consumed, every stream and consumer without anything pending. What has
 * ended meanwhile is started again, but `leaveEnded`. Resolves with what is left at the deadline.
 */
export async function settle(
  system: FaultSystem,
  { deadlineMs, leaveEnded }: { deadlineMs: number; leaveEnded?: string },
): Promise<string[]> {
  const processes = system.processes.filter(({ name }) => name !== leaveEnded)
  const giveUpAt = performance.now() + deadlineMs
  for (;;) {
    await startAll(processes)
    const left = await pending(system)
    if (left.length === 0 || performance.now() > giveUpAt) return left
    await wait(lookEveryMs)
  }
}

async function pending(system: FaultSystem): Promise<string[]> {
  const lag = await lagByConsumer(join(system.dir, 'data'))
  const outbox = Object.entries(lag).map(([consumer, records]) => `outbox/${consumer}: ${records}`)
  if (system.setUp === 'embedded' || outbox.length > 0) return outbox
  return pendingInStreams(system.natsPort).catch((error: unknown) => [`streams: ${error instanceof Error ? error.message : String(error)}`])
}
