import type { Fact } from '../engine/fact.ts'
import { decodeKnownId, encodeKnownId, idsNeeded, unknownId, type KnownId } from '../engine/known-ids.ts'
import { partitionOf } from '../engine/store-keys.ts'
import type { OnlineStore, StoreKey } from '../../platform/online-store/online-store.ts'
import { stagedOf, type StagedValues } from './block-store.ts'

/** What is known of the ids of one source of one tenant, by id. */
export type SourceIds = Map<string, KnownId>

const prefix = 'event|'

export function idStoreKey(tenant: string, source: string, id: string): StoreKey {
  return { partition: partitionOf(tenant, id), key: `${prefix}${tenant}|${source}|${id}` }
}

export function parseIdKey(key: string): { tenant: string; source: string; id: string } | undefined {
  if (!key.startsWith(prefix)) return undefined
  const [, tenant = '', source = '', ...id] = key.split('|')
  return { tenant, source, id: id.join('|') }
}

/** Every id that applying these facts may change, loaded, by tenant and source. */
export type LoadedIds = { of(fact: Pick<Fact, 'tenant' | 'source'>): SourceIds; stage(staged: StagedValues): void }

export async function loadIds(store: Pick<OnlineStore, 'read'>, facts: readonly Fact[]): Promise<LoadedIds> {
  const groups = new Map<string, { tenant: string; source: string; ids: SourceIds }>()
  const groupOf = ({ tenant, source }: Pick<Fact, 'tenant' | 'source'>) => {
    const key = `${tenant}|${source}`
    const group = groups.get(key) ?? { tenant, source, ids: new Map<string, KnownId>() }
    groups.set(key, group)
    return group
  }
  let wanted = facts.flatMap((fact) => idsNeeded(fact).map((id) => ({ group: groupOf(fact), id })))
  // A record that is displaced may itself have withdrawn a third id.
  while (wanted.length > 0) {
    const absent = wanted.filter(({ group, id }) => !group.ids.has(id))
    const { values } = await store.read(absent.map(({ group, id }) => idStoreKey(group.tenant, group.source, id)))
    for (const [index, { group, id }] of absent.entries()) {
      const bytes = values[index]
      group.ids.set(id, bytes === undefined ? unknownId() : decodeKnownId(bytes))
    }
    wanted = absent.flatMap(({ group, id }) => targetsOf(group.ids.get(id) as KnownId).map((target) => ({ group, id: target })))
    wanted = wanted.filter(({ group, id }) => !group.ids.has(id))
  }
  return {
    of: (fact) => groupOf(fact).ids,
    stage(staged) {
      for (const { tenant, source, ids } of groups.values())
        for (const [id, known] of ids) stageId(staged, idStoreKey(tenant, source, id), known)
    },
  }
}

function targetsOf(known: KnownId): string[] {
  return [known.standing?.retracts, known.displaced?.retracts].filter((id) => id !== undefined)
}

function stageId(staged: StagedValues, { partition, key }: StoreKey, known: KnownId): void {
  const isEmpty = known.standing === undefined && known.retractions.length === 0
  stagedOf(staged, partition).set(key, isEmpty ? undefined : encodeKnownId(known))
}
