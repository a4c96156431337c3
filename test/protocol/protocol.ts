/** The rules of the hand-over, each with the ways in which it is easily got wrong. */
export type Protocol = {
  /** When the client gets its answer. */
  answerAfter: 'commit' | 'write'
  /** How far the forwarder reads a lane. */
  readUpTo: 'durable' | 'written'
  /** The outboxes that the forwarder reads. */
  adopt: 'every_outbox' | 'open_outboxes'
  /** How an epoch that a crash left open is treated. */
  crashedEpoch: 'sealed' | 'left'
  freeOn: 'confirmation' | 'broker_ack'
  /** How far one lane's cursor goes when its confirmations come out of order. */
  cursor: 'contiguous' | 'highest'
  confirmBy: 'origin' | 'origin_without_epoch' | 'stream_position'
  /** The parts of a message id, besides the attempt. */
  messageIdOf: 'origin' | 'event'
  /** How a republish's id differs. `across_runs`: no id comes again, not even after a restart. `none`: a republish has the first one's id. */
  attempts: 'across_runs' | 'within_run' | 'none'
  /** Which publish acks count. */
  countAcks: 'stored' | 'seq_zero_too' | 'duplicate_too'
  /** How credit is counted. `span`: all that was sent since the oldest unconfirmed record was. `unconfirmed`: what is unconfirmed, added up. */
  credit: 'span' | 'unconfirmed' | 'none'
  /** Whether a republish, which needs no credit, waits while it would push out of the stream what is relied on. */
  republish: 'with_room' | 'always'
  loggerOrder: readonly ('insert' | 'confirm' | 'ack')[]
  poison: 'rejected' | 'dropped'
  /** The moment from which the fate of a prediction that was not answered counts. */
  settles: 'when_durable' | 'when_known'
  /** Whether `settled_through` is kept for an epoch or for a writer. */
  settledOf: 'epoch' | 'writer'
  bronze: 'replacing' | 'plain'
  /** How a consumer is treated whose delivered sequence is ahead of the stream's last. */
  consumerAhead: 'recreated' | 'left'
  /** Whether a partition's effects and applied positions are committed together. */
  materializerCommit: 'together' | 'apart'
  /** Whether a commit requires that the partition still is where the work began. */
  materializerCheck: 'position' | 'none'
  /** What the materializer takes: after sequences were reused, a redelivery brings whatever stands there now, of any subject. */
  materializerTakes: 'own_lane' | 'what_comes'
  /** How the materializer learns of records that it never received. */
  materializerGaps: 'gap_and_bronze_tail' | 'gap'
}

export const designed: Protocol = {
  answerAfter: 'commit',
  readUpTo: 'durable',
  adopt: 'every_outbox',
  crashedEpoch: 'sealed',
  freeOn: 'confirmation',
  cursor: 'contiguous',
  confirmBy: 'origin',
  messageIdOf: 'origin',
  attempts: 'across_runs',
  countAcks: 'stored',
  credit: 'span',
  republish: 'with_room',
  loggerOrder: ['insert', 'confirm', 'ack'],
  poison: 'rejected',
  settles: 'when_durable',
  settledOf: 'epoch',
  bronze: 'replacing',
  consumerAhead: 'recreated',
  materializerCommit: 'together',
  materializerCheck: 'position',
  materializerTakes: 'own_lane',
  materializerGaps: 'gap_and_bronze_tail',
}

/** Timings in ticks and sizes in records: small, with the proportions that matter. */
export const settings = {
  ackWait: 2,
  republishAfter: 4,
  publishTimeout: 2,
  /** The window is longer than the recovery, so that waiting until it is over counts as not recovering. */
  duplicateWindow: 16,
  recoverWithin: 6,
  publishWindow: 4,
  credit: 5,
  /** The most messages between the oldest that is relied on and the newest: above the credit, for republishes. */
  streamShare: 8,
  /** The size of the stream, with room for what a crashed run still had under way. */
  streamMaxMessages: 12,
  fetchAtMost: 2,
} as const
