import type { Lane, Origin } from '../../contracts/origin.ts'

export type SealedRange = { first_seq: number; last_seq: number; count: number }

/**
 * `entity` decides the partition; `poison` is a record that no schema takes. `unanswered` is the prediction that a fate is about.
 */
export type OutboxRecord = {
  origin: Origin
  id: string
  poison: boolean
  entity: number
  seal?: SealedRange
  unanswered?: string
  settledThrough?: number
}

/** Records below `durable` are synced, those below `freed` are behind the forwarder's cursor. */
export type OutboxLane = { records: OutboxRecord[]; durable: number; freed: number; open: Set<number> }

export type Outbox = { writerId: string; epoch: number; state: 'open' | 'crashed' | 'closed'; lanes: Map<Lane, OutboxLane> }

export const modelLanes = ['predictions', 'feature_events'] as const satisfies readonly Lane[]

export function keyOf({ writer_id, epoch, lane, seq }: Origin): string {
  return `${writer_id}/${epoch}/${lane}/${seq}`
}

export function createOutbox(writerId: string): Outbox {
  return {
    writerId,
    epoch: 1,
    state: 'open',
    lanes: new Map(modelLanes.map((lane) => [lane, { records: [], durable: 0, freed: 0, open: new Set() }])),
  }
}

export function laneOf(outbox: Outbox, lane: Lane): OutboxLane {
  return outbox.lanes.get(lane) as OutboxLane
}

/** Appends a record; a prediction awaits its fate from here on, see `settle`. */
export function append(outbox: Outbox, lane: Lane, event: Pick<OutboxRecord, 'id' | 'poison' | 'entity' | 'unanswered'>): OutboxRecord {
  const { records, open } = laneOf(outbox, lane)
  const last = records.at(-1)?.origin
  const seq = last?.epoch === outbox.epoch ? last.seq + 1 : 1
  if (seq === 1) open.clear()
  if (lane === 'predictions' && event.unanswered === undefined) open.add(seq)
  const record = { ...event, origin: { writer_id: outbox.writerId, epoch: outbox.epoch, lane, seq }, settledThrough: through(open, seq) }
  records.push(record)
  return record
}

function through(open: ReadonlySet<number>, seq: number): number {
  return Math.min(seq, ...[...open].map((waiting) => waiting - 1))
}

/** Seals the records that no seal of the lane's last epoch covers; whoever seals a crashed one knows no fates. False when there are none. */
export function sealLane({ records, open }: OutboxLane, isCrashed = false): boolean {
  const last = records.at(-1)
  if (last === undefined || last.seal) return false
  const before = records.findLast(({ origin, seal }) => seal && origin.epoch === last.origin.epoch)
  const first_seq = (before?.origin.seq ?? 0) + 1
  const origin = { ...last.origin, seq: last.origin.seq + 1 }
  const seal = { first_seq, last_seq: last.origin.seq, count: last.origin.seq - first_seq + 1 }
  records.push({
    origin,
    id: `seal ${keyOf(origin)}`,
    poison: false,
    entity: 0,
    seal,
    ...(!isCrashed && { settledThrough: through(open, origin.seq) }),
  })
  return true
}

/** Syncs everything written. False when nothing waited. */
export function commit(lane: OutboxLane): boolean {
  if (lane.durable === lane.records.length) return false
  lane.durable = lane.records.length
  return true
}

/** Crashes the writer: its un-synced records are lost from somewhere on, as what was written may or may not have reached the disk. */
export function crash(outbox: Outbox, pick: number): boolean {
  if (outbox.state !== 'open') return false
  outbox.state = 'crashed'
  for (const lane of outbox.lanes.values()) lane.records.length = lane.durable + (pick % (lane.records.length - lane.durable + 1))
  return true
}

/** Recovers the outbox of a crashed writer, as the next to open it or whoever adopts it does. */
export function recover(outbox: Outbox, crashedEpoch: 'sealed' | 'left'): boolean {
  if (outbox.state !== 'crashed') return false
  for (const lane of outbox.lanes.values()) {
    if (crashedEpoch === 'sealed') sealLane(lane, true)
    commit(lane)
  }
  outbox.state = 'closed'
  return true
}

export function open(outbox: Outbox): boolean {
  if (outbox.state !== 'closed') return false
  outbox.epoch += 1
  outbox.state = 'open'
  return true
}

export function close(outbox: Outbox): boolean {
  if (outbox.state !== 'open') return false
  for (const lane of outbox.lanes.values()) {
    sealLane(lane)
    commit(lane)
  }
  outbox.state = 'closed'
  return true
}
