import type { AcceptedResponse, ItemWarning } from '../../contracts/http.ts'
import type { RejectedItem } from '../../contracts/feature-event.ts'
import type { Lane, Origin } from '../../contracts/origin.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import type { AppendInput, EventLogWriter } from '../../platform/event-log/event-log.ts'
import { failpoint } from '../../platform/service/failpoint.ts'
import type { Items } from './items.ts'

/** Why an item of the right shape breaks its definition. */
export type ItemProblem = { code: 'unknown_label' | 'out_of_range' | 'invalid_request' | 'label_conflict'; message: string; path?: string }

/** The fields that the gateway adds to an item. */
export type ItemStamp = { id: string; tenant: string; ingestedAt: string }

/** How one kind of item is judged and written. */
export type ItemKind<Fields, Event extends object = object> = {
  kind: RejectedItem['kind']
  lane: Extract<Lane, 'labels' | 'feature_events'>
  nameOf(fields: Fields): string
  idOf(fields: Fields): string | undefined
  check(fields: Fields): ItemProblem | undefined
  toEvent(fields: Fields, stamp: ItemStamp): Event
  /** Looks at the accepted items together, where that takes more than their definition. */
  review?: Review<Fields, Event>
}

/** An item that keeps to its definition, and its place in the request. */
export type Candidate<Fields, Event> = { index: number; fields: Fields; event: Event }

export type Review<Fields, Event> = (
  candidates: readonly Candidate<Fields, Event>[],
  options: { tenant: string; dryRun: boolean },
) => Promise<Reviewed>

export type Reviewed = {
  /** The problems of items that are refused as well, by their index. */
  problems: ReadonlyMap<number, ItemProblem>
  warnings: readonly ItemWarning[]
  /** Called when the accepted items are durable; `failed` when they could not be made so. */
  accepted(): void
  failed(): Promise<unknown>
}

export type Ingested = {
  response: AcceptedResponse
  /** The accepted items' places in the log, in order; empty for a dry run. */
  origins: Origin[]
}

/**
 * Judges each item and makes all durable together: the good as events, those that break their definition as rejects in
 * the same lane. Resolves once they are durable; a dry run writes nothing.
 */
export function createIngest(deps: { eventLog: EventLogWriter; now: () => number; newId: () => string }) {
  return async function ingest<Fields, Event extends object>(
    kind: ItemKind<Fields, Event>,
    items: Items<Fields>,
    tenant: string,
  ): Promise<Ingested> {
    const ingestedAt = toTimestamp(deps.now())
    const judged = items.fields.map((fields, index) => {
      const stamp = { id: kind.idOf(fields) ?? deps.newId(), tenant, ingestedAt }
      const problem = kind.check(fields)
      return { index, fields, stamp, problem, event: problem === undefined ? kind.toEvent(fields, stamp) : undefined }
    })
    const good = judged.flatMap(({ index, fields, event }) => (event === undefined ? [] : [{ index, fields, event }]))
    const reviewed = await kind.review?.(good, { tenant, dryRun: items.dryRun })
    const outcomes = judged.map((item) => ({ ...item, problem: item.problem ?? reviewed?.problems.get(item.index) }))
    const rejected = outcomes.flatMap(({ problem, index }) => (problem === undefined ? [] : [{ index, ...problem }]))
    const warnings = reviewed?.warnings ?? []
    const response = { accepted: outcomes.length - rejected.length, rejected, ...(warnings.length > 0 && { warnings: [...warnings] }) }
    if (items.dryRun) return { response, origins: [] }
    const records = outcomes.map((item) => toRecord(kind, { ...item, sent: items.sent[item.index] }))
    failpoint('gateway.before_commit')
    const origins = await deps.eventLog.append(kind.lane, records).catch(async (error: unknown) => {
      await reviewed?.failed()
      throw error
    })
    failpoint('gateway.after_commit')
    reviewed?.accepted()
    return { response, origins: origins.filter((_, index) => outcomes[index]?.problem === undefined) }
  }
}

export type Ingest = ReturnType<typeof createIngest>

type Judged<Fields> = { fields: Fields; sent: unknown; stamp: ItemStamp; problem: ItemProblem | undefined; event: object | undefined }

function toRecord<Fields, Event extends object>(
  kind: ItemKind<Fields, Event>,
  { fields, sent, stamp, problem, event }: Judged<Fields>,
): AppendInput {
  const { id, tenant, ingestedAt } = stamp
  if (problem === undefined) return { kind: 'event', id, payload: JSON.stringify(event) }
  const rejected: RejectedItem = {
    schema_version: 1,
    tenant,
    kind: kind.kind,
    name: kind.nameOf(fields),
    ...problem,
    item: sent,
    ingested_at: ingestedAt,
  }
  return { kind: 'reject', id, payload: JSON.stringify(rejected) }
}
