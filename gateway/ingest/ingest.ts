import type { AcceptedResponse } from '../../contracts/http.ts'
import type { RejectedItem } from '../../contracts/feature-event.ts'
import type { Lane, Origin } from '../../contracts/origin.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import type { AppendInput, EventLogWriter } from '../../platform/event-log/event-log.ts'
import { failpoint } from '../../platform/service/failpoint.ts'
import type { Items } from './items.ts'

/** Why an item of the right shape breaks its definition. */
export type ItemProblem = { code: 'unknown_label' | 'out_of_range' | 'invalid_request'; message: string; path?: string }

/** What the gateway says of an item. */
export type ItemStamp = { id: string; tenant: string; ingestedAt: string }

/** How one kind of item is judged and written. */
export type ItemKind<Fields> = {
  kind: RejectedItem['kind']
  lane: Extract<Lane, 'labels' | 'feature_events'>
  nameOf(fields: Fields): string
  idOf(fields: Fields): string | undefined
  check(fields: Fields): ItemProblem | undefined
  toEvent(fields: Fields, stamp: ItemStamp): object
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
  return async function ingest<Fields>(kind: ItemKind<Fields>, items: Items<Fields>, tenant: string): Promise<Ingested> {
    const ingestedAt = toTimestamp(deps.now())
    const judged = items.fields.map((fields, index) => {
      const problem = kind.check(fields)
      return {
        problem,
        record: toRecord({
          kind,
          fields,
          sent: items.sent[index],
          problem,
          stamp: { id: kind.idOf(fields) ?? deps.newId(), tenant, ingestedAt },
        }),
      }
    })
    const rejected = judged.flatMap(({ problem }, index) => (problem === undefined ? [] : [{ index, ...problem }]))
    const response = { accepted: judged.length - rejected.length, rejected }
    if (items.dryRun) return { response, origins: [] }
    failpoint('gateway.before_commit')
    const origins = await deps.eventLog.append(
      kind.lane,
      judged.map(({ record }) => record),
    )
    failpoint('gateway.after_commit')
    return { response, origins: origins.filter((_, index) => judged[index]?.problem === undefined) }
  }
}

export type Ingest = ReturnType<typeof createIngest>

function toRecord<Fields>(options: {
  kind: ItemKind<Fields>
  fields: Fields
  sent: unknown
  problem: ItemProblem | undefined
  stamp: ItemStamp
}): AppendInput {
  const { kind, fields, problem, stamp } = options
  const { id, tenant, ingestedAt } = stamp
  if (problem === undefined) return { kind: 'event', id, payload: JSON.stringify(kind.toEvent(fields, stamp)) }
  const rejected: RejectedItem = {
    schema_version: 1,
    tenant,
    kind: kind.kind,
    name: kind.nameOf(fields),
    ...problem,
    item: options.sent,
    ingested_at: ingestedAt,
  }
  return { kind: 'reject', id, payload: JSON.stringify(rejected) }
}
