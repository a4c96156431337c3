import { keyOf, type OutboxRecord } from './outbox.ts'
import type { World } from './world.ts'

export const invariants = [
  'answered is stored or rejected',
  'stored was attempted',
  'one row per outbox record',
  'seals match',
  'the outbox ends empty',
  'consumers end with nothing pending',
  'the materializer is as after a clean run',
  'nothing unconfirmed is discarded',
  'what counts as published was stored by it',
  'what is acked is stored',
] as const

export type Invariant = (typeof invariants)[number]

/** What does not hold, once the faults are over and the system had time to recover. */
export function findViolations(world: World): string[] {
  const ends: [Invariant, boolean][] = [
    ['answered is stored or rejected', world.answered.every(({ origin }) => world.bronze.has(keyOf(origin)))],
    ['stored was attempted', world.bronze.rows().every(({ id, seal }) => seal !== undefined || world.attempted.has(id))],
    ['one row per outbox record', hasOneRowEach(world)],
    ['seals match', sealsMatch(world)],
    ['the outbox ends empty', lanesOf(world).every(({ records, freed }) => freed === records.length)],
    ['consumers end with nothing pending', Object.values(world.consumers).every((consumer) => consumer.pending() === 0)],
    ['the materializer is as after a clean run', isAsAfterCleanRun(world)],
  ]
  return [...world.broken, ...ends.filter(([, holds]) => !holds).map(([name]) => name)]
}

function lanesOf({ outboxes }: World) {
  return outboxes.flatMap(({ lanes }) => [...lanes.values()])
}

function hasOneRowEach({ bronze }: World): boolean {
  const rows = bronze.rows()
  return new Set(rows.map(({ origin }) => keyOf(origin))).size === rows.length
}

/** As reconcile does it, from what is stored alone: per epoch and lane, all that is stored is sealed and all that is sealed is stored. */
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
