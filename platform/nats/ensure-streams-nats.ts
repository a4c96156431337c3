import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type ConsumerConfig,
  type ConsumerInfo,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import { ServiceError } from '../../contracts/errors.ts'
import type { Lane } from '../../contracts/origin.ts'
import type { NatsSettings } from './nats-config.ts'

type NatsAccess = { jsm: JetStreamManager; settings: NatsSettings }

/** Messages that one consumer may have out at a time, over all processes that share it. */
const maxAckPending = 20_000

export const streamOf = ({ NATS_STREAM_PREFIX: prefix }: NatsSettings, lane: Lane) => `${prefix}_${lane}`
export const subjectOf = ({ NATS_STREAM_PREFIX: prefix }: NatsSettings, lane: Lane) => `${prefix}.events.${lane}`
export const confirmSubjectOf = ({ NATS_STREAM_PREFIX: prefix }: NatsSettings) => `${prefix}.confirm`

/**
 * The lane's stream, made where it is missing. The forwarder, which fills it, also brings it to these settings.
 * @throws ServiceError `invalid_config` when a stream of that name keeps its messages in another way.
 */
export async function ensureStream({ jsm, settings }: NatsAccess, { lane, update }: { lane: Lane; update: boolean }): Promise<StreamInfo> {
  const wanted = toStreamConfig(settings, lane)
  const info = await orMissing(jsm.streams.info(wanted.name))
  if (info === undefined) return jsm.streams.add(wanted)
  for (const field of ['retention', 'storage', 'discard'] as const) {
    if (info.config[field] !== wanted[field]) {
      throw new ServiceError('invalid_config', `The stream ${wanted.name} has ${field} "${info.config[field]}", not "${wanted[field]}".`, {
        hint: 'Remove it when its messages are stored, or set NATS_STREAM_PREFIX to another name.',
      })
    }
  }
  return update && differs(info.config, wanted) ? jsm.streams.update(wanted.name, wanted) : info
}

/** The durable consumer of a lane's stream. */
export function ensureConsumer(
  { jsm, settings }: NatsAccess,
  { lane, name, lastSeq }: { lane: Lane; name: string; lastSeq: number },
): Promise<ConsumerInfo> {
  return ensureDurable(jsm, { stream: streamOf(settings, lane), wanted: toConsumerConfig(settings, name), lastSeq })
}

/** A durable consumer as it should be; `lastSeq` is the stream's at the last look. */
export type WantedConsumer = { stream: string; wanted: Partial<ConsumerConfig> & { durable_name: string }; lastSeq: number }

/**
 * The durable consumer, made where it is missing, and made anew where it is ahead of its stream: after a loss of the
 * store it would wait for sequences that come again, and skip what has them then.
 */
export async function ensureDurable(jsm: JetStreamManager, { stream, wanted, lastSeq }: WantedConsumer): Promise<ConsumerInfo> {
  const name = wanted.durable_name
  const info = await orMissing(jsm.consumers.info(stream, name))
  if (info === undefined) return jsm.consumers.add(stream, wanted)
  if (info.delivered.stream_seq > lastSeq) {
    // The stream may have grown between the two looks.
    const { state } = await jsm.streams.info(stream)
    if (info.delivered.stream_seq > state.last_seq) {
      await jsm.consumers.delete(stream, name)
      return jsm.consumers.add(stream, wanted)
    }
  }
  return differs(info.config, wanted) ? jsm.consumers.update(stream, name, wanted) : info
}

function toStreamConfig(settings: NatsSettings, lane: Lane) {
  return {
    name: streamOf(settings, lane),
    subjects: [subjectOf(settings, lane)],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_age: nanos(settings.NATS_STREAM_MAX_AGE_MS),
    max_bytes: settings.NATS_STREAM_MAX_BYTES,
    duplicate_window: nanos(settings.NATS_DUPLICATE_WINDOW_MS),
    num_replicas: settings.NATS_STREAM_REPLICAS,
  } satisfies Partial<StreamConfig>
}

function toConsumerConfig(settings: NatsSettings, name: string) {
  return {
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(settings.NATS_ACK_WAIT_MS),
    max_deliver: -1,
    max_ack_pending: maxAckPending,
  } satisfies Partial<ConsumerConfig>
}

function differs(actual: object, wanted: object): boolean {
  const values = actual as Record<string, unknown>
  return Object.entries(wanted).some(([field, value]) => JSON.stringify(values[field]) !== JSON.stringify(value))
}

async function orMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Whether the error says that the stream or the consumer is not there. */
export function isMissing(error: unknown): boolean {
  return (
    error instanceof JetStreamApiError &&
    (error.code === JetStreamApiCodes.StreamNotFound || error.code === JetStreamApiCodes.ConsumerNotFound)
  )
}
