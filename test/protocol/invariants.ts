import { keyOf, type OutboxRecord } from './outbox.ts'
import type { World } from './world.ts'

export const invariants = [
  'answered is stored or rejected',
  'stored was attempted',
  'one row per outbox record',
  'seals match',
  'what reads as answered was told',
  'the outbox ends empty',
  'consumers end with nothing pending',
  'the materializer is as after a clean run',
  'nothing unconfirmed is discarded',
  'what counts as published was stored by it',
  'what is acked is stored',
] as const

export type Invariant = (typeof invariants)[number]

/** The invariants that do not hold, once the faults are over and the system had time to recover. */
export function findViolations(world: World): string[] {
  const ends: [Invariant, boolean][] = [
    ['answered is stored or rejected', world.answered.every(({ origin }) => world.bronze.has(keyOf(origin)))],
    ['stored was attempted', world.bronze.rows().every((row) => !isOfClient(row) || world.attempted.has(row.id))],
    ['one row per outbox record', hasOneRowEach(world)],
    ['seals match', sealsMatch(world)],
    ['what reads as answered was told', answeredWasTold(world)],
    ['the outbox ends empty', lanesOf(world).every(({ records, freed }) => freed === records.length)],
    ['consumers end with nothing pending', Object.values(world.consumers).every((consumer) => consumer.pending() === 0)],
    ['the materializer is as after a clean run', isAsAfterCleanRun(world)],
  ]
  return [...world.broken, ...ends.filter(([, holds]) => !holds).map(([name]) => name)]
}

function isOfClient({ seal, unanswered }: OutboxRecord): boolean {
  return seal === undefined && unanswered === undefined
}

/** Judges as silver.predictions does, from what is stored alone: what nobody was told of must not read as answered. */
function answeredWasTold({ bronze, protocol, told }: World): boolean {
  const rows = bronze.rows().filter(({ origin }) => origin.lane === 'predictions')
  const unanswered = new Set(rows.map((row) => row.unanswered))
  const streamOf = ({ writer_id, epoch }: OutboxRecord['origin']) => (protocol.settledOf === 'epoch' ? `${writer_id}/${epoch}` : writer_id)
  const settled = new Map<string, number>()
  for (const { origin, settledThrough = 0 } of rows)
    settled.set(streamOf(origin), Math.max(settledThrough, settled.get(streamOf(origin)) ?? 0))
  return rows.every((row) => {
    const key = keyOf(row.origin)
    const isAnswered = isOfClient(row) && !unanswered.has(key) && row.origin.seq <= (settled.get(streamOf(row.origin)) ?? 0)
    return !isAnswered || told.has(key)
  })
}

function lanesOf({ outboxes }: World) {
  return outboxes.flatMap(({ lanes }) => [...lanes.values()])
}

function hasOneRowEach({ bronze }: World): boolean {
  const rows = bronze.rows()
  return new Set(rows.map(({ origin }) => keyOf(origin))).size === rows.length
}

/** Judges as reconcile does, from what is stored alone: per epoch and lane, all that is stored is sealed, and the reverse. */
function sealsMatch({ bronze }: World): boolean {
  const streams = new Map<string, OutboxRecord[]>()
  for (const row of bronze.rows()) {
    const stream = keyOf({ ...row.origin, seq: 0 })
    streams.set(stream, [...(streams.get(stream) ?? []), row])
  }
  return [...streams.values()].every((rows) => {
    const seqs = new Set(rows.map(({ origin }) => origin.seq))
    const sealedTo = Math.max(0, ...rows.filter(({ seal }) => seal).map(({ origin }) => origin.seq))
    return seqs.size === sealedTo && Math.max(...seqs) === sealedTo && rows.every((row) => sealHolds(row, seqs))
  })
}

function sealHolds({ seal }: OutboxRecord, seqs: ReadonlySet<number>): boolean {
  if (seal === undefined) return true
  const covered = [...seqs].filter((seq) => seq >= seal.first_seq && seq <= seal.last_seq)
  return covered.length === seal.count
}

function isAsAfterCleanRun(world: World): boolean {
  const expected = lanesOf(world)
    .flatMap(({ records }) => records)
    .filter(({ origin, poison, seal }) => origin.lane === 'feature_events' && !poison && !seal)
  return world.store.partitions.every(({ effects }, partition) => {
    const own = expected.filter(({ entity }) => entity === partition)
    return own.length === effects.size && own.every(({ id }) => effects.get(id) === 1)
  })
}
