import type { AppliedPosition } from '../../contracts/origin.ts'
import { partitionCount, type OnlineStore } from '../../platform/online-store/online-store.ts'

export type Place = { writerId: string; epoch: number; seq: number }

/** How far each partition has come in the log. After a crash partitions may differ, where a store commits them singly. */
export type PositionTable = {
  isApplied(partition: number, place: Place): boolean
  /** What every partition has applied of this writer's epoch; 0 for one never seen. */
  appliedEverywhere(place: Omit<Place, 'seq'>): number
  /** Call once what came up to here is committed. */
  advance(places: readonly Place[]): void
  /** All positions as they will be when these places are reached too. */
  list(places?: readonly Place[]): AppliedPosition[]
}

export async function loadPositions(store: Pick<OnlineStore, 'read'>): Promise<PositionTable> {
  const partitions = await Promise.all(
    Array.from({ length: partitionCount }, async (_, partition) => (await store.read([{ partition, key: '' }])).applied),
  )
  return createPositionTable(partitions)
}

export function createPositionTable(partitions: readonly (readonly AppliedPosition[])[]): PositionTable {
  const atStart = partitions.map((positions) => new Map(positions.map((position) => [nameOf(toPlace(position)), position.seq])))
  const reached = new Map<string, AppliedPosition>()
  for (const position of partitions.flat()) {
    const name = nameOf(toPlace(position))
    const seqs = atStart.map((partition) => partition.get(name) ?? 0)
    reached.set(name, { ...position, seq: Math.min(...seqs) })
  }
  return {
    isApplied: (partition, place) =>
      place.seq <= Math.max(reached.get(nameOf(place))?.seq ?? 0, atStart[partition]?.get(nameOf(place)) ?? 0),
    appliedEverywhere: (place) => reached.get(nameOf(place))?.seq ?? 0,
    advance(places) {
      for (const place of places) raise(reached, place)
    },
    list(places = []) {
      const after = new Map(reached)
      for (const place of places) raise(after, place)
      return [...after.values()].filter((position) => position.seq > 0)
    },
  }
}

function raise(positions: Map<string, AppliedPosition>, place: Place): void {
  const known = positions.get(nameOf(place))
  if (known === undefined || known.seq < place.seq)
    positions.set(nameOf(place), { writer_id: place.writerId, epoch: place.epoch, seq: place.seq })
}

function nameOf({ writerId, epoch }: { writerId: string; epoch: number }): string {
  return `${epoch}/${writerId}`
}

export function toPlace(position: AppliedPosition): Place {
  return { writerId: position.writer_id, epoch: position.epoch, seq: position.seq }
}
