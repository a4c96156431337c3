import type { Instruments } from '../../platform/service/instruments.ts'

/**
 * What became of a message of labels. `stored`: it was answered as a request is, and its labels and rejects are durable. `replayed`: it had
 * been answered before. `refused`: it was no label, or its key was another message's; it is kept as a reject. `retried`: it was given back,
 * to come again.
 */
export type LabelMessageOutcome = 'stored' | 'replayed' | 'refused' | 'retried'

export type LabelStreamMetrics = {
  message(outcome: LabelMessageOutcome): void
  redelivered(): void
}

/** How far the consumer is behind; undefined while that is not known. */
export type LabelStreamLag = { waiting: number; unacknowledged: number } | undefined

export function createLabelStreamMetrics({ counter, observe }: Instruments, lag: () => LabelStreamLag): LabelStreamMetrics {
  const messages = counter({
    name: 'hindsight_label_messages_total',
    description:
      'Messages of labels consumed from NATS, by outcome: stored, replayed (answered before), refused (kept as a reject), or retried (given back, to come again).',
    labels: ['outcome'],
  })
  const redelivered = counter({
    name: 'hindsight_label_messages_redelivered_total',
    description: 'Messages of labels that NATS delivered another time.',
    labels: [],
  })
  observe(
    'gauge',
    {
      name: 'hindsight_label_stream_lag_messages',
      description:
        'Messages of labels that are not acknowledged, over all gateways, by state: waiting in the stream, or unacknowledged, which were delivered. As of the last look at the consumer.',
      labels: ['state'],
    },
    () => {
      const now = lag()
      if (now === undefined) return []
      return [
        { labels: ['waiting'], value: now.waiting },
        { labels: ['unacknowledged'], value: now.unacknowledged },
      ]
    },
  )
  return { message: (outcome) => messages(outcome).add(1), redelivered: () => redelivered().add(1) }
}
