import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startForwarder } from '../forwarder/forwarder-nats.ts'
import type { EventLogHarness } from './event-log.contract.ts'
import { openNatsConsumer } from './event-log-nats.ts'
import { brokerConsumers, openOutboxWriter } from './event-log-outbox.ts'
import { startTestNats, testNatsSettings, type NatsBinary, type TestNats } from './testing-nats.ts'

/** An outbox directory, a NATS server and a forwarder between them, for one test. */
export async function makeNatsHarness(binary?: NatsBinary): Promise<EventLogHarness & { dir: string; nats: TestNats }> {
  const dir = await mkdtemp(join(tmpdir(), 'outbox-nats-'))
  const nats = await startTestNats({ binary })
  const settings = testNatsSettings(nats.url)
  const closables: { close(): Promise<void> }[] = []
  const onFault = () => undefined
  const forwarder = await startForwarder({ dir, settings, adoptEveryMs: 250, onFault })
  return {
    dir,
    nats,
    async openWriter(writerId) {
      const writer = await openOutboxWriter({ dir, writerId, consumersOf: brokerConsumers })
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
      await forwarder.close()
      await nats.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
