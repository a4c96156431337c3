import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startForwarder, type Forwarder } from '../forwarder-nats.ts'
import type { NatsSettings } from '../../platform/nats/nats-config.ts'
import type { EventLogHarness } from '../../platform/event-log/event-log.contract.ts'
import { openNatsConsumer } from '../../platform/nats/event-log-nats.ts'
import { openOutboxWriter } from '../../platform/outbox/write/outbox-writer.ts'
import { withinHour } from '../../platform/outbox/testing/within-hour.ts'
import { startTestNats, testNatsSettings, type NatsBinary, type TestNats } from '../../platform/nats/testing/nats-server.ts'
import { brokerConsumers } from '../../contracts/lane-consumers.ts'

export type NatsHarness = EventLogHarness & {
  dir: string
  nats: TestNats
  settings: NatsSettings
  /** What was waited out, of every process. */
  faults: unknown[]
  startForwarder(): Promise<Forwarder>
}

/** An outbox directory, a NATS server and a forwarder between them, for one test. */
export async function makeNatsHarness(
  options: { binary?: NatsBinary; config?: string; values?: Parameters<typeof testNatsSettings>[1] } = {},
): Promise<NatsHarness> {
  const dir = await mkdtemp(join(tmpdir(), 'outbox-nats-'))
  const nats = await startTestNats(options)
  const settings = testNatsSettings(nats.url, options.values)
  const closables: { close(): Promise<void> }[] = []
  const faults: unknown[] = []
  const onFault = (error: unknown) => void faults.push(error)
  const forwarders: Forwarder[] = []
  const harness: NatsHarness = {
    dir,
    nats,
    settings,
    faults,
    async startForwarder() {
      const forwarder = await startForwarder({ dir, settings, adoptEveryMs: 250, onFault })
      forwarders.push(forwarder)
      return forwarder
    },
    async openWriter(writerId) {
      const writer = await openOutboxWriter({
        dir,
        writerId,
        consumersOf: brokerConsumers,
        maintainEveryMs: 50,
        segmentBytes: 64 * 1024,
        now: withinHour(),
      })
      closables.push(writer)
      return writer
    },
    async openConsumer(name, lanes) {
      const consumer = openNatsConsumer({ settings, name, lanes, confirmsStorage: name === 'logger', onFault })
      closables.push(consumer)
      return consumer
    },
    async dispose() {
      await Promise.allSettled(closables.map((closable) => closable.close()))
      await Promise.allSettled(forwarders.map((forwarder) => forwarder.close()))
      await nats.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
  return harness
}
