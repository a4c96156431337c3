import { createBronze, type Bronze } from './bronze.ts'
import { createForwarder, type Confirmation, type Forwarder } from './forwarder.ts'
import { createLogger, type Logger } from './logger.ts'
import { createMaterializer, createOnlineStore, type Materializer, type OnlineStore } from './materializer.ts'
import { createOutbox, keyOf, type Outbox, type OutboxRecord } from './outbox.ts'
import { settings, type Protocol } from './protocol.ts'
import { createConsumer, createStream, type Consumer, type Publish, type PublishAck, type Stream } from './stream.ts'

/** The whole system, with what is on its way between the processes. */
export type World = {
  protocol: Protocol
  clock: { now: number }
  outboxes: Outbox[]
  stream: Stream
  consumers: { logger: Consumer; features: Consumer }
  forwarder: Forwarder
  loggers: Logger[]
  materializer: Materializer
  bronze: Bronze
  store: OnlineStore
  publishes: Publish[]
  publishAcks: PublishAck[]
  confirmations: Confirmation[]
  /** The ids that clients sent; `answered` has the records that they got an answer for. */
  attempted: Set<string>
  answered: OutboxRecord[]
  /** The predictions that a gateway knows to have been told; `untold` has those of which it knows the contrary. */
  told: Set<string>
  untold: OutboxRecord[]
  /** Promises that were broken on the way, by name. */
  broken: Set<string>
}

export function createWorld(protocol: Protocol): World {
  const clock = { now: 0 }
  const now = () => clock.now
  const broken = new Set<string>()
  const outboxes = [createOutbox('w1'), createOutbox('w2')]
  const [publishes, publishAcks, confirmations]: [Publish[], PublishAck[], Confirmation[]] = [[], [], []]
  const bronze = createBronze(protocol.bronze)
  const store = createOnlineStore()
  const stream = createStream({
    maxMessages: settings.streamMaxMessages,
    duplicateWindow: settings.duplicateWindow,
    now,
    onDiscard: ({ publish }) => void (forwarder.reliesOn(publish) && broken.add('nothing unconfirmed is discarded')),
  })
  const consumer = { stream, ackWait: settings.ackWait, now }
  const consumers = {
    logger: createConsumer({ ...consumer, wants: () => true }),
    features: createConsumer({ ...consumer, wants: ({ publish }) => publish.record.origin.lane === 'feature_events' }),
  }
  const forwarder = createForwarder({
    protocol,
    outboxes,
    now,
    send: (publish) => void publishes.push(publish),
    waitsInStream: (seq) => consumers.logger.waits(seq),
    onCounted: ({ duplicate, seq }) => void ((duplicate || seq === 0) && broken.add('what counts as published was stored by it')),
  })
  const onAcked = ({ origin }: OutboxRecord) => void (bronze.has(keyOf(origin)) || broken.add('what is acked is stored'))
  const confirm = (confirmation: Confirmation) => void confirmations.push(confirmation)
  const logger = () => createLogger({ protocol, consumer: consumers.logger, bronze, confirm, onAcked })
  const materializer = createMaterializer({ protocol, consumer: consumers.features, bronze, store })
  const clients = { attempted: new Set<string>(), answered: [], told: new Set<string>(), untold: [] }
  const processes = { forwarder, loggers: [logger(), logger()], materializer }
  return {
    protocol,
    clock,
    outboxes,
    stream,
    consumers,
    ...processes,
    bronze,
    store,
    publishes,
    publishAcks,
    confirmations,
    ...clients,
    broken,
  }
}
