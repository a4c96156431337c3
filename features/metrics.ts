import type { Meter } from '@opentelemetry/api'

/** What the materializer counts, for `/metrics`. */
export function createFeaturesMetrics(meter: Meter) {
  const records = meter.createCounter('hindsight_features_records_total', {
    description: 'Records of the event log by outcome: fact, passed (seals and refused items) or malformed.',
  })
  const gaps = meter.createCounter('hindsight_features_gap_records_total', {
    description: 'Records that the log skipped, by outcome: filled from the warehouse, or lost.',
  })
  const seconds = meter.createHistogram('hindsight_features_batch_seconds', {
    description: 'Time to apply one batch of feature events to the online store and commit it.',
    unit: 's',
    advice: { explicitBucketBoundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5] },
  })
  const age = meter.createHistogram('hindsight_features_visible_after_seconds', {
    description: 'Time from when the log had the newest record of a batch until its values could be read from the online store.',
    unit: 's',
    advice: { explicitBucketBoundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30] },
  })
  return {
    onApplied(counts: { facts: number; passed: number; malformed: number }) {
      records.add(counts.facts, { outcome: 'fact' })
      records.add(counts.passed, { outcome: 'passed' })
      records.add(counts.malformed, { outcome: 'malformed' })
    },
    onGap: (count: number, outcome: 'filled' | 'lost') => gaps.add(count, { outcome }),
    onBatch(event: { seconds: number; visibleAfterSeconds: number }) {
      seconds.record(event.seconds)
      age.record(event.visibleAfterSeconds)
    },
  }
}
