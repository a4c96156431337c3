import { compareOrder, type Fact, type FactOrder } from './fact.ts'

/** Where a fact stands: its keys name one entity per view, its event time the tile. */
export type Location = { keys: Readonly<Record<string, string>>; eventTimeMs: number }

type Standing = FactOrder & Location & { retracts?: string }

/** All that is known of one event_id: the record that stands, and who withdraws it since when. */
export type KnownId = {
  standing: Standing | undefined
  /** What stood before: a replay of the standing record must be able to take it out again. */
  displaced: { location?: Location; retracts?: string } | undefined
  retractions: { id: string; knownAtMs: number }[]
}

/** What a record does to the tiles of every view of its source. */
export type Change =
  | { kind: 'put'; fact: Fact; retractedAtMs: number }
  | { kind: 'remove'; id: string; location: Location }
  /** `restores`: the fact counts for longer than it did, because its withdrawal comes later or is taken back. */
  | { kind: 'retract'; id: string; location: Location; retractedAtMs: number; restores: boolean }

export function unknownId(): KnownId {
  return { standing: undefined, displaced: undefined, retractions: [] }
}

export function retractedAtMs(known: KnownId): number {
  return known.retractions.reduce((earliest, retraction) => Math.min(earliest, retraction.knownAtMs), Infinity)
}

/**
 * Updates `ids` (which holds the record's own id and the one it retracts) and says what follows. A later record
 * under a known id changes nothing; an earlier one takes its place. Applying a record again gives its changes again.
 */
export function resolveFact(ids: ReadonlyMap<string, KnownId>, fact: Fact): Change[] {
  const own = ids.get(fact.id) as KnownId
  const order = own.standing === undefined ? -1 : compareOrder(fact, own.standing)
  if (order > 0) return []
  if (order < 0) stand(own, fact)
  return [...displace(ids, own, fact), ...(fact.retracts === undefined ? [put(own, fact)] : retract(ids, fact, fact.retracts, order === 0))]
}

function stand(own: KnownId, fact: Fact): void {
  const before = own.standing
  const { ingestedAtMs, writerId, epoch, seq, keys, eventTimeMs, retracts } = fact
  own.standing = { ingestedAtMs, writerId, epoch, seq, keys, eventTimeMs, ...(retracts === undefined ? {} : { retracts }) }
  if (before === undefined) own.displaced = undefined
  else if (before.retracts !== undefined) own.displaced = { retracts: before.retracts }
  else own.displaced = { location: { keys: before.keys, eventTimeMs: before.eventTimeMs } }
}

function put(own: KnownId, fact: Fact): Change {
  return { kind: 'put', fact, retractedAtMs: retractedAtMs(own) }
}

function displace(ids: ReadonlyMap<string, KnownId>, own: KnownId, fact: Fact): Change[] {
  if (own.displaced?.location !== undefined) return [{ kind: 'remove', id: fact.id, location: own.displaced.location }]
  const target = own.displaced?.retracts
  if (target === undefined) return []
  const known = ids.get(target)
  if (known === undefined) return []
  known.retractions = known.retractions.filter((retraction) => retraction.id !== fact.id)
  return withdrawn(target, known, true)
}

function retract(ids: ReadonlyMap<string, KnownId>, fact: Fact, target: string, again: boolean): Change[] {
  const known = ids.get(target) as KnownId
  const before = retractedAtMs(known)
  known.retractions = [...known.retractions.filter((retraction) => retraction.id !== fact.id), { id: fact.id, knownAtMs: fact.knownAtMs }]
  return again || retractedAtMs(known) !== before ? withdrawn(target, known, false) : []
}

/** A retraction cannot itself be withdrawn, and one may come before its fact. */
function withdrawn(id: string, known: KnownId, restores: boolean): Change[] {
  const { standing } = known
  if (standing === undefined || standing.retracts !== undefined) return []
  return [
    {
      kind: 'retract',
      id,
      location: { keys: standing.keys, eventTimeMs: standing.eventTimeMs },
      retractedAtMs: retractedAtMs(known),
      restores,
    },
  ]
}

/** The ids whose entries `resolveFact` needs: its own, the one it retracts, and one that a displaced record retracted. */
export function idsNeeded(fact: Fact): string[] {
  return fact.retracts === undefined ? [fact.id] : [fact.id, fact.retracts]
}

type StoredStanding = [number, string, number, number, number, Location['keys'], string?]

export function encodeKnownId(known: KnownId): Uint8Array {
  const standing = known.standing === undefined ? 0 : toStored(known.standing)
  const retractions = known.retractions.map(({ id, knownAtMs }) => [id, knownAtMs])
  return new TextEncoder().encode(JSON.stringify([standing, known.displaced ?? 0, retractions]))
}

export function decodeKnownId(bytes: Uint8Array): KnownId {
  const stored = JSON.parse(new TextDecoder().decode(bytes)) as [StoredStanding | 0, KnownId['displaced'] | 0, [string, number][]]
  return {
    standing: stored[0] === 0 ? undefined : toStanding(stored[0]),
    displaced: stored[1] === 0 ? undefined : stored[1],
    retractions: stored[2].map(([id, knownAtMs]) => ({ id, knownAtMs })),
  }
}

function toStored(standing: Standing): StoredStanding {
  const { ingestedAtMs, writerId, epoch, seq, eventTimeMs, keys, retracts } = standing
  return retracts === undefined
    ? [ingestedAtMs, writerId, epoch, seq, eventTimeMs, keys]
    : [ingestedAtMs, writerId, epoch, seq, eventTimeMs, keys, retracts]
}

function toStanding([ingestedAtMs, writerId, epoch, seq, eventTimeMs, keys, retracts]: StoredStanding): Standing {
  return { ingestedAtMs, writerId, epoch, seq, eventTimeMs, keys, ...(retracts === undefined ? {} : { retracts }) }
}
