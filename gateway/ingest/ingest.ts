import type { AcceptedResponse, ItemWarning } from '../../contracts/http.ts'
import type { RejectedItem } from '../../contracts/feature-event.ts'
import type { Lane, Origin } from '../../contracts/origin.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import type { AppendInput, EventLogWriter } from '../../platform/event-log/event-log.ts'
import { failpoint } from '../../platform/service/failpoint.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'
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

/** How the items of a message with a key are written, which may come again. */
export type KeyedIngest = {
  /** The id of an item that has none of its own; equal whenever the message comes. */
  idOf(index: number): string
  /** Members that the last record carries besides its own. */
  mark: Record<string, string>
  /** Keeps the response, and calls `write` once. */
  commit(response: AcceptedResponse, write: () => Promise<Origin[]>): Promise<Origin[]>
}

/**
 * Judges each item and makes all durable together: the good as events, those that break their definition as rejects in
 * the same lane. Resolves once they are durable; a dry run writes nothing.
 */
export function createIngest(deps: {
  eventLog: Pick<EventLogWriter, 'append'>
  metrics: Pick<GatewayMetrics, 'items'>
  now: () => number
  newId: () => string
}) {
  return async function ingest<Fields, Event extends object>(
    kind: ItemKind<Fields, Event>,
    items: Items<Fields>,
    tenant: string,
    keyed?: KeyedIngest,
  ): Promise<Ingested> {
    const ingestedAt = toTimestamp(deps.now())
    const judged = items.fields.map((fields, index) => {
      const stamp = { id: kind.idOf(fields) ?? keyed?.idOf(index) ?? deps.newId(), tenant, ingestedAt }
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
    const records = outcomes.map((item, index) => {
      const mark = index === outcomes.length - 1 ? keyed?.mark : undefined
      return toRecord(kind, { ...item, sent: items.sent[item.index], mark })
    })
    const write = async () => {
      failpoint('gateway.before_commit')
      const origins = await deps.eventLog.append(kind.lane, records)
      failpoint('gateway.after_commit')
      return origins
    }
    const committing = keyed === undefined ? write() : keyed.commit(response, write)
    const origins = await committing.catch(async (error: unknown) => {
      await reviewed?.failed()
      throw error
    })
    deps.metrics.items({ kind: kind.kind, outcome: 'accepted' }, response.accepted)
    deps.metrics.items({ kind: kind.kind, outcome: 'rejected' }, rejected.length)
    reviewed?.accepted()
    return { response, origins: origins.filter((_, index) => outcomes[index]?.problem === undefined) }
  }
}

export type Ingest = ReturnType<typeof createIngest>

type Judged<Fields> = {
  fields: Fields
  sent: unknown
  stamp: ItemStamp
  problem: ItemProblem | undefined
  event: object | undefined
  mark: Record<string, string> | undefined
}

function toRecord<Fields, Event extends object>(
  kind: ItemKind<Fields, Event>,
  { fields, sent, stamp, problem, event, mark }: Judged<Fields>,
): AppendInput {
  const { id, tenant, ingestedAt } = stamp
  if (problem === undefined) return { kind: 'event', id, payload: JSON.stringify(mark === undefined ? event : { ...event, ...mark }) }
  const rejected: RejectedItem = {
    schema_version: 1,
    tenant,
    kind: kind.kind,
    name: kind.nameOf(fields),
    ...problem,
    item: sent,
    ingested_at: ingestedAt,
    ...mark,
  }
  return { kind: 'reject', id, payload: JSON.stringify(rejected) }
}
