import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { lanes, type Lane } from '../../../contracts/origin.ts'
import { openOutboxConsumer } from '../../../platform/outbox/read/outbox-consumer.ts'
import { loadForwarderConfig } from '../../../forwarder/config.ts'
import { createForwardLane, type ForwardLane } from '../../../forwarder/forward-lane.ts'
import type { Publisher } from '../../../forwarder/publisher.ts'
import { createNatsPublisher } from '../../../forwarder/publisher-nats.ts'
import { connectNats } from '../../../platform/nats/connect-nats.ts'
import { runService } from '../../../platform/service/run-service.ts'

const creditBytes = 64 * 1024 ** 2

await runService({
  name: 'forwarder',
  config: loadForwarderConfig,
  async start({ config, logger, fail }) {
    const onFault = (error: unknown) => logger.error({ err: error }, 'records could not be handed over to NATS')
    const link = await connectNats(config, { name: 'forwarder', onFault })
    const jsm = await jetstreamManager(link.nc, { checkAPI: false })
    const stopping = new AbortController()
    const outboxes = await Promise.all(
      lanes.map((lane) => openOutboxConsumer({ dir: join(config.HINDSIGHT_DATA_DIR, 'outbox'), name: 'forwarder', lanes: [lane] })),
    )
    const publishers = lanes.map((lane) => createNatsPublisher({ link, jsm, settings: config, lane }))
    const look = () => Promise.all(publishers.map((publisher) => publisher.look())).catch(onFault)
    await look()
    const timer = setInterval(() => void look(), 250)
    const forwards = lanes.map((lane, index) => createForward(lane, index))
    const work = Promise.all(forwards.map((forward) => forward.run())).catch(fail)

    function createForward(lane: Lane, index: number): ForwardLane {
      const forward: ForwardLane = createForwardLane({
        outbox: outboxes[index]!,
        publisher: freeingOnAck(publishers[index]!, (range) => forward.confirm([{ ...range, lane }])),
        settings: { publishWindow: 512, creditBytes, shareBytes: creditBytes, republishAfterMs: 4_000, republishAtMostMs: 60_000 },
        run: String(process.pid),
        now: () => performance.now(),
        signal: stopping.signal,
        onPublished: () => undefined,
        onConfirmed: () => undefined,
        onFault,
      })
      return forward
    }

    return {
      async drain() {
        clearInterval(timer)
        stopping.abort()
        await work
        await Promise.all(outboxes.map((outbox) => outbox.close()))
        await link.close()
      },
    }
  },
})

type Range = { writer_id: string; epoch: number; first_seq: number; last_seq: number }

/** The mistake: acked is taken for stored. */
function freeingOnAck(publisher: Publisher, free: (range: Range) => void): Publisher {
  return {
    ...publisher,
    async publish(record, options) {
      const ack = await publisher.publish(record, options)
      const { writer_id, epoch, seq } = record.origin
      setImmediate(() => free({ writer_id, epoch, first_seq: seq, last_seq: seq }))
      return ack
    },
  }
}
