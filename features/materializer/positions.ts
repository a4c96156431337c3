import type { AppliedPosition } from '../../contracts/origin.ts'
import { partitionCount, type OnlineStore } from '../../platform/online-store/online-store.ts'

type Place = { writerId: string; epoch: number; seq: number }

/** How far each partition has come in the log. After a crash partitions may differ, where a store commits them singly. */
export type PositionTable = {
  isApplied(partition: number, place: Place): boolean
  /** What every partition has applied of this writer's epoch; 0 for one never seen. */
  appliedEverywhere(place: Omit<Place, 'seq'>): number
  advance(place: Place): void
  /** All positions, for the next commit of each partition. */
  list(): AppliedPosition[]
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
    advance({ writerId, epoch, seq }) {
      const known = reached.get(nameOf({ writerId, epoch }))
      if (known === undefined || known.seq < seq) reached.set(nameOf({ writerId, epoch }), { writer_id: writerId, epoch, seq })
    },
    list: () => [...reached.values()].filter((position) => position.seq > 0),
  }
}

function nameOf({ writerId, epoch }: { writerId: string; epoch: number }): string {
  return `${epoch}/${writerId}`
}

function toPlace(position: AppliedPosition): Place {
  return { writerId: position.writer_id, epoch: position.epoch, seq: position.seq }
}
