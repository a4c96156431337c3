import { randomUUID } from 'node:crypto'
import { ServiceError } from '../../contracts/errors.ts'
import type { AppliedPosition } from '../../contracts/origin.ts'
import { connectRedis, type RedisClient, type RedisConnection } from './online-store-redis-client.ts'
import { appliedField, clearScript, commitField, commitScript, scanScript, valuePrefix } from './online-store-redis-scripts.ts'
import { partitionCount, type PartitionCommit, type ScannableOnlineStore, type StoreKey } from './online-store.ts'
import { commonPositions, mergePositions } from './positions.ts'

export type RedisOnlineStoreOptions = RedisConnection & {
  /** The prefix of every key, so that several systems share a Redis. Default `hindsight`. */
  keyPrefix?: string | undefined
  /**
   * Whether this is the materializer, the one writer: then a read or commit throws `online_store_unavailable` once when the store
   * is not as this writer left it (emptied, gone back to an older copy, written by another), and everything must be read anew.
   */
  writer?: boolean | undefined
}

/** What this process knows of a partition: its last commit and its positions. */
type PartitionState = { commit: string; applied: readonly AppliedPosition[] }

const allPartitions = Array.from({ length: partitionCount }, (_, partition) => partition)

/**
 * The online store in Redis, Valkey or a Redis Cluster: one hash per partition, whose name carries the partition as
 * hash tag. Each partition is read by one command, and committed by one script, singly.
 * Resolves when connected or when the first attempt has failed.
 */
export async function openRedisOnlineStore(options: RedisOnlineStoreOptions): Promise<ScannableOnlineStore> {
  const { keyPrefix = 'hindsight', writer = false } = options
  const client = await connectRedis(options)
  const hashOf = (partition: number) => `${keyPrefix}:{${keyPrefix}-${partition}}`
  const positions = createPositionParser()
  const nameCommit = createCommitNames()
  const known = new Map<number, PartitionState>()

  /** Values under these fields of one partition, and what belongs to them, from one command. */
  async function readPartition(partition: number, keys: readonly string[]) {
    const fields = [appliedField, ...(writer ? [commitField] : []), ...keys.map((key) => valuePrefix + key)]
    const reply = (await client.call('HMGET', [hashOf(partition), ...fields])) as (Buffer | null)[]
    const applied = positions.parse(reply[0])
    if (writer) compare(partition, { commit: reply[1]?.toString() ?? '', applied })
    return { values: reply.slice(writer ? 2 : 1), applied }
  }

  function compare(partition: number, found: PartitionState): void {
    const expected = known.get(partition)
    if (expected !== undefined && expected.commit !== found.commit) throw changed()
    known.set(partition, found)
  }

  function changed(): ServiceError {
    known.clear()
    return new ServiceError('online_store_unavailable', 'the online store is not as this writer left it', {
      hint: 'it was emptied, set back to an older copy, or written by another process',
    })
  }

  async function commitPartition({ partition, values, applied }: PartitionCommit): Promise<void> {
    const last = (writer ? known.get(partition) : undefined) ?? (await readState(client, hashOf(partition), positions))
    const merged = applied.length === 0 ? last.applied : mergePositions(last.applied, applied)
    // What anyone else writes besides (a request to rebuild) leaves the writer's own commits as they are.
    const commit = writer || applied.length > 0 ? nameCommit() : ''
    const set = [...values].filter(([, value]) => value !== undefined) as [string, Uint8Array][]
    const deleted = [...values.keys()].filter((key) => values.get(key) === undefined)
    const done = await client.call('EVAL', [
      commitScript,
      1,
      hashOf(partition),
      last.commit,
      commit,
      applied.length === 0 ? '' : encodePositions(merged),
      set.length,
      ...set.flatMap(([key, value]) => [valuePrefix + key, value]),
      ...deleted.map((key) => valuePrefix + key),
    ])
    if (done !== 1) throw changed()
    if (writer) known.set(partition, { commit, applied: merged })
  }

  return {
    async read(keys) {
      const groups = groupByPartition(keys)
      const read = await Promise.all(groups.map((group) => readPartition(group.partition, group.keys)))
      const values: (Uint8Array | undefined)[] = Array.from({ length: keys.length })
      for (const [index, { places }] of groups.entries()) {
        const own = read[index]!.values
        for (let offset = 0; offset < places.length; offset++) values[places[offset] as number] = own[offset] ?? undefined
      }
      return { values, applied: commonPositions(read.map((partition) => partition.applied)) }
    },
    async commit(commits) {
      await settleAll(commits.map(commitPartition), () => known.clear())
    },
    async applied() {
      const read = await Promise.all(allPartitions.map((partition) => readPartition(partition, [])))
      return commonPositions(read.map((partition) => partition.applied))
    },
    async scan(partition, { after, maxKeys }) {
      const reply = (await client.call('EVAL', [scanScript, 1, hashOf(partition), after ?? '0', maxKeys])) as Buffer[]
      const [next, ...keys] = reply.map((field) => field.toString())
      return { keys, ...(next === '0' || next === undefined ? {} : { next }) }
    },
    async clear() {
      await settleAll(
        allPartitions.map(async (partition) => {
          const commit = nameCommit()
          await client.call('EVAL', [clearScript, 1, hashOf(partition), commit])
          if (writer) known.set(partition, { commit, applied: [] })
        }),
        () => known.clear(),
      )
    },
    async ping() {
      await Promise.all(allPartitions.map((partition) => client.call('HEXISTS', [hashOf(partition), commitField])))
    },
    close: () => client.close(),
  }
}

async function readState(client: RedisClient, hash: string, positions: PositionParser): Promise<PartitionState> {
  const [commit, applied] = (await client.call('HMGET', [hash, commitField, appliedField])) as (Buffer | null)[]
  return { commit: commit?.toString() ?? '', applied: positions.parse(applied) }
}

/** Waits for every action and then throws the first failure, so that a second attempt cannot be overtaken by the first. */
async function settleAll(actions: readonly Promise<void>[], onFailure: () => void): Promise<void> {
  const failed = (await Promise.allSettled(actions)).find((outcome) => outcome.status === 'rejected')
  if (failed === undefined) return
  onFailure()
  throw failed.reason
}

/** The keys that are asked of one partition, with their places among all that are asked. */
type Group = { partition: number; keys: string[]; places: number[] }

function groupByPartition(keys: readonly StoreKey[]): Group[] {
  const groups: Group[] = []
  const byPartition: (Group | undefined)[] = []
  for (let place = 0; place < keys.length; place++) {
    const { partition, key } = keys[place]!
    let group = byPartition[partition]
    if (group === undefined) groups.push((group = byPartition[partition] = { partition, keys: [], places: [] }))
    group.keys.push(key)
    group.places.push(place)
  }
  return groups
}

/** Names commits so that no name comes twice, not even from another process or after going back to an older copy. */
function createCommitNames(): () => string {
  const process = randomUUID()
  let count = 0
  return () => `${process}/${++count}`
}

type StoredPosition = [writerId: string, epoch: number, seq: number]

function encodePositions(positions: readonly AppliedPosition[]): string {
  return JSON.stringify(positions.map(({ writer_id, epoch, seq }): StoredPosition => [writer_id, epoch, seq]))
}

type PositionParser = { parse(bytes: Buffer | null | undefined): readonly AppliedPosition[] }

const mostTexts = 1_024

/** Parses each text of positions once: partitions are mostly alike, and change rarely against how often they are read. */
function createPositionParser(): PositionParser {
  const none: readonly AppliedPosition[] = []
  const seen = new Map<string, readonly AppliedPosition[]>()
  return {
    parse(bytes) {
      if (bytes === null || bytes === undefined) return none
      const text = bytes.toString()
      const found = seen.get(text)
      if (found !== undefined) return found
      const stored = JSON.parse(text) as StoredPosition[]
      const parsed = stored.map(([writer_id, epoch, seq]) => ({ writer_id, epoch, seq }))
      if (seen.size >= mostTexts) seen.clear()
      seen.set(text, parsed)
      return parsed
    },
  }
}
