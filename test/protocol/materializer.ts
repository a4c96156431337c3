import type { Bronze } from './bronze.ts'
import type { OutboxRecord } from './outbox.ts'
import { settings, type Protocol } from './protocol.ts'
import type { Consumer, StreamMessage } from './stream.ts'

/** A partition. `applied`: per writer and epoch, up to where its records are in `effects`, which counts how often each event was added. */
export type Partition = { applied: Map<string, number>; effects: Map<string, number> }

/** The online store. Each partition is committed by itself. */
export type OnlineStore = { partitions: Partition[] }

export type Materializer = {
  start(): boolean
  crash(): boolean
  /** Takes messages, works off the first one, or commits the next partition of the work under way. */
  advance(): boolean
  /** Takes the records from bronze that were not applied yet. */
  catchUp(): boolean
}

type Place = { writerId: string; epoch: number }

/** The work under way; `from` is where each partition stood when it began. */
type Work = { name: string; toSeq: number; facts: OutboxRecord[]; from: number[]; partition: number; effectsDone: boolean }

const lane = 'feature_events'

export function createOnlineStore(): OnlineStore {
  return { partitions: [emptyPartition(), emptyPartition()] }
}

export function emptyStore(store: OnlineStore): void {
  store.partitions = createOnlineStore().partitions
}

function emptyPartition(): Partition {
  return { applied: new Map(), effects: new Map() }
}

export function createMaterializer(deps: { protocol: Protocol; consumer: Consumer; bronze: Bronze; store: OnlineStore }): Materializer {
  const { protocol, consumer, bronze, store } = deps
  let alive = true
  let held: StreamMessage[] = []
  let work: Work | undefined

  function positionsOf(name: string): number[] {
    return store.partitions.map(({ applied }) => applied.get(name) ?? 0)
  }

  /** Begins work on the records up to `toSeq`; false while bronze lacks some that lie before. */
  function begin(place: Place, toSeq: number, last: OutboxRecord[]): boolean {
    const name = nameOf(place)
    const from = positionsOf(name)
    const missed = bronze.range({ ...place, lane }, Math.min(...from) + 1, toSeq - last.length)
    if (missed === undefined) return false
    work = { name, toSeq, facts: [...missed, ...last], from, partition: 0, effectsDone: false }
    return true
  }

  function workOff({ seq, publish }: StreamMessage): boolean {
    const { origin } = publish.record
    const place = { writerId: origin.writer_id, epoch: origin.epoch }
    const isOurs = origin.lane === lane || protocol.materializerTakes === 'what_comes'
    if (isOurs && origin.seq > Math.min(...positionsOf(nameOf(place)))) return begin(place, origin.seq, [publish.record])
    held.shift()
    consumer.ack(seq)
    return true
  }

  function commitPartition(current: Work): void {
    const { name, toSeq, facts, partition } = current
    const from = current.from[partition] ?? 0
    const target = store.partitions[partition] as Partition
    if (protocol.materializerCheck === 'position' && (target.applied.get(name) ?? 0) !== from) {
      work = undefined
      return
    }
    const own = facts.filter(({ origin, entity, poison, seal }) => origin.seq > from && entity === partition && !poison && !seal)
    if (!current.effectsDone) for (const { id } of own) target.effects.set(id, (target.effects.get(id) ?? 0) + 1)
    current.effectsDone = !current.effectsDone && protocol.materializerCommit === 'apart'
    if (current.effectsDone) return
    target.applied.set(name, Math.max(from, toSeq))
    current.partition += 1
    if (current.partition === store.partitions.length) work = undefined
  }

  return {
    start() {
      if (alive) return false
      alive = true
      return true
    },
    crash() {
      if (!alive) return false
      alive = false
      held = []
      work = undefined
      return true
    },
    advance() {
      if (!alive) return false
      if (work) {
        commitPartition(work)
        return true
      }
      if (held[0]) return workOff(held[0])
      held = consumer.fetch(settings.fetchAtMost)
      return held.length > 0
    },
    catchUp() {
      if (!alive || work || protocol.materializerGaps === 'gap') return false
      const behind = bronze.completePositions(lane).find((place) => place.seq > Math.min(...positionsOf(nameOf(place))))
      return behind !== undefined && begin(behind, behind.seq, [])
    },
  }
}

function nameOf({ writerId, epoch }: Place): string {
  return `${writerId}/${epoch}`
}
