import type { Meter } from '@opentelemetry/api'
import type { Lane } from '../contracts/origin.ts'
import type { ForwardLane } from './forward-lane.ts'

/** What the forwarder counts, for `/metrics`. */
export function createForwarderMetrics(meter: Meter) {
  const published = meter.createCounter('hindsight_forwarder_publishes_total', {
    description: 'Publishes to NATS by lane and outcome: first, again, or refused (no ack in time, or one that does not say stored).',
  })
  const confirmed = meter.createCounter('hindsight_forwarder_confirmed_total', {
    description: 'Records that a logger has confirmed as stored, by lane.',
  })
  const unconfirmed = meter.createObservableGauge('hindsight_forwarder_unconfirmed_records', {
    description: 'Records published to NATS that no logger has confirmed, by lane.',
  })
  const span = meter.createObservableGauge('hindsight_forwarder_span_bytes', {
    description: 'Bytes published to NATS since the oldest unconfirmed record was, by lane; at the credit, nothing new is published.',
    unit: 'By',
  })
  return {
    onPublished: (lane: Lane, outcome: 'first' | 'again' | 'refused') => published.add(1, { lane, outcome }),
    onConfirmed: (lane: Lane, records: number) => confirmed.add(records, { lane }),
    observe(lanes: ReadonlyMap<Lane, Pick<ForwardLane, 'state'>>) {
      meter.addBatchObservableCallback(
        (observer) => {
          for (const [lane, forward] of lanes) {
            observer.observe(unconfirmed, forward.state().unconfirmed, { lane })
            observer.observe(span, forward.state().spanBytes, { lane })
          }
        },
        [unconfirmed, span],
      )
    },
  }
}
