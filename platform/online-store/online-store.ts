import type { AppliedPosition } from '../../contracts/origin.ts'

/** Entities are spread over this many partitions; in Redis Cluster each is one hash tag. */
export const partitionCount = 64

export type StoreKey = { partition: number; key: string }

/** The changes of one partition from one batch of the log. `undefined` deletes a key. */
export type PartitionCommit = {
  partition: number
  values: ReadonlyMap<string, Uint8Array | undefined>
  /** How far the partition then is in the feature_events lane: up to `seq`, per writer and epoch. */
  applied: readonly AppliedPosition[]
}

export type StoreSnapshot = {
  /** The values in the order of the keys asked for. */
  values: (Uint8Array | undefined)[]
  /** The positions that all partitions read have applied, from the same read. */
  applied: AppliedPosition[]
}

/** Latest state per entity, read by the gateway and written by one materializer. */
export type OnlineStore = {
  /** Reads in one round trip; values and applied positions belong together. Throws `online_store_unavailable`. */
  read(keys: readonly StoreKey[]): Promise<StoreSnapshot>
  /** Each partition's values and applied positions are committed together, or not at all. */
  commit(commits: readonly PartitionCommit[]): Promise<void>
  /** The positions applied to every partition. */
  applied(): Promise<AppliedPosition[]>
  /** Removes everything, positions included: the first step of a rebuild. */
  clear(): Promise<void>
  ping(): Promise<void>
  close(): Promise<void>
}

/** What the materializer needs on top, to fold and expire what nobody writes to any more. */
export type ScannableOnlineStore = OnlineStore & {
  /**
   * Keys of one partition, in no particular order, from where `after` (the last answer's `next`) left off; no `next`
   * means all were seen. A key written or deleted meanwhile may be missed or seen twice.
   */
  scan(partition: number, options: { after?: string | undefined; maxKeys: number }): Promise<{ keys: string[]; next?: string }>
}
