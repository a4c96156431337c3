import type { Logger } from 'pino'
import type { LabelDefinition } from '../../contracts/label-definition.ts'
import type { LabelEvent, LabelFields } from '../../contracts/label-event.ts'
import type { EventLogWriter } from '../../platform/event-log/event-log.ts'
import { type NatsConfig, usesNats } from '../../platform/nats/nats-config.ts'
import { createFaultLog } from '../../platform/service/fault-log.ts'
import type { Instruments } from '../../platform/service/instruments.ts'
import type { Idempotency } from '../idempotency/idempotency.ts'
import { createIngest, type Review } from '../ingest/ingest.ts'
import { createLabelKind } from '../ingest/labels.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'
import { createLabelStreamMetrics } from '../metrics/label-stream-metrics.ts'
import { createMessageAnswers } from './answer-message.ts'
import { type LabelStream, openLabelStream } from './label-stream-nats.ts'
import { parseSubjectPattern } from './subject-pattern.ts'

type Context = { config: NatsConfig & LabelStreamConfig; logger: Logger; instruments: Instruments }

type LabelStreamConfig = { HINDSIGHT_LABEL_STREAM?: string | undefined; HINDSIGHT_LABEL_SUBJECT: string; HINDSIGHT_LABEL_CONSUMER: string }

type Deps = {
  project: { labels: ReadonlyMap<string, LabelDefinition> }
  labelIdempotency: Idempotency
  reviewLabels: Review<LabelFields, LabelEvent>
  eventLog: EventLogWriter
  metrics: Pick<GatewayMetrics, 'items'>
  now: () => number
  tick: () => number
  newId: () => string
}

/** Consumes labels from the stream that the environment names; undefined where it names none. */
export function startLabelStream({ config, logger, instruments }: Context, deps: Deps): LabelStream | undefined {
  const { HINDSIGHT_LABEL_STREAM: stream, HINDSIGHT_LABEL_SUBJECT: subject, HINDSIGHT_LABEL_CONSUMER: consumer } = config
  if (stream === undefined || !usesNats(config)) return undefined
  const kind = createLabelKind(deps.project.labels, deps.reviewLabels)
  return openLabelStream({
    settings: config,
    stream,
    consumer,
    pattern: parseSubjectPattern(subject),
    answers: createMessageAnswers({ ...deps, idempotency: deps.labelIdempotency, ingest: createIngest(deps), kind }),
    createMetrics: (lag) => createLabelStreamMetrics(instruments, lag),
    onFault: createFaultLog(logger, 'labels could not be consumed from NATS'),
  })
}
