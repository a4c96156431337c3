import { emptyBlock, type Block } from '../engine/block.ts'
import { decodeBlock, encodeBlock } from '../engine/block-codec.ts'
import type { TileGrid } from '../engine/compile-view.ts'
import { blockKey, ledgerKey, partitionOf, type BlockAddress } from '../engine/store-keys.ts'
import type { OnlineStore, StoreKey } from '../../platform/online-store/online-store.ts'

export type BlockRef = { grid: TileGrid; address: BlockAddress }

/** Partition to key to value: what one commit writes. */
export type StagedValues = Map<number, Map<string, Uint8Array | undefined>>

/** Decoded blocks of the online store. This process is its one writer, so what is here is what is there. */
export type BlockStore = {
  /** Makes these available to `get`, in one read. */
  load(refs: readonly BlockRef[]): Promise<void>
  get(ref: BlockRef): Block
  /** The block was or will be changed in place: the next `stage` writes it. */
  touch(ref: BlockRef): void
  touched(): BlockRef[]
  /** Encodes every touched block into `staged`. */
  stage(staged: StagedValues): void
  /** Forgets everything: after a failed commit, or when the store was emptied. */
  reset(): void
}

type CachedBlock = { ref: BlockRef; block: Block }

export function createBlockStore(options: { store: Pick<OnlineStore, 'read'>; maxBlocks?: number }): BlockStore {
  const { store, maxBlocks = 20_000 } = options
  const entries = new Map<string, CachedBlock>()
  const dirty = new Map<string, CachedBlock>()

  function find(ref: BlockRef): CachedBlock {
    const entry = entries.get(blockKey(ref.address))
    if (entry === undefined) throw new TypeError(`block ${blockKey(ref.address)} was not loaded`)
    return entry
  }

  return {
    async load(refs) {
      const absent = new Map<string, BlockRef>()
      for (const ref of refs) {
        const key = blockKey(ref.address)
        const entry = entries.get(key)
        if (entry === undefined) absent.set(key, ref)
        else if (entries.size > maxBlocks / 2) refresh(entries, key, entry)
      }
      if (absent.size === 0) return
      const { values } = await store.read([...absent].flatMap(([key, ref]) => storeKeys(key, ref)))
      for (const [index, [key, ref]] of [...absent].entries()) {
        const [bytes, ledger] = [values[2 * index], values[2 * index + 1]]
        entries.set(key, { ref, block: bytes === undefined || ledger === undefined ? emptyBlock() : decodeBlock(ref.grid, bytes, ledger) })
      }
    },
    get: (ref) => find(ref).block,
    touch(ref) {
      dirty.set(blockKey(ref.address), find(ref))
    },
    touched: () => [...dirty.values()].map((entry) => entry.ref),
    stage(staged) {
      for (const [key, { ref, block }] of dirty) {
        const { block: bytes, ledger } = encodeBlock(ref.grid, block)
        const values = stagedOf(staged, partitionOf(ref.address.tenant, ref.address.entityId))
        values.set(key, bytes)
        values.set(ledgerKey(key), ledger)
      }
      dirty.clear()
      evict(entries, maxBlocks)
    },
    reset() {
      entries.clear()
      dirty.clear()
    },
  }
}

function storeKeys(key: string, { address }: BlockRef): StoreKey[] {
  const partition = partitionOf(address.tenant, address.entityId)
  return [
    { partition, key },
    { partition, key: ledgerKey(key) },
  ]
}

/** A map keeps the order of insertion, so the first keys are the least recently used. */
function refresh(entries: Map<string, CachedBlock>, key: string, entry: CachedBlock): void {
  entries.delete(key)
  entries.set(key, entry)
}

function evict(entries: Map<string, CachedBlock>, maxBlocks: number): void {
  for (const key of entries.keys()) {
    if (entries.size <= maxBlocks) return
    entries.delete(key)
  }
}

export function stagedOf(staged: StagedValues, partition: number): Map<string, Uint8Array | undefined> {
  const values = staged.get(partition) ?? new Map<string, Uint8Array | undefined>()
  staged.set(partition, values)
  return values
}
