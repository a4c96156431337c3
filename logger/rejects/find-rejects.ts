import { ServiceError } from '../../contracts/errors.ts'
import type { Lane } from '../../contracts/origin.ts'
import { fromColumnTime } from '../../platform/warehouse/column-time.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { parseRejectId, type Reject, type RejectWithBytes, type RetryOutcome } from './reject.ts'

/** A choice among rejects; `since` goes by the outbox's clock (`appended_at`). */
export type RejectFilter = { code?: string | undefined; lane?: Lane | undefined; since?: Date | undefined }

/** How many rejects have the code; a retry has had `settled` of them accepted or stored. */
export type RejectCount = { code: string; lane: Lane; count: number; settled: number }

type Reads = Pick<Warehouse, 'query'>

/** Counts rejects by code and lane, the most frequent first. */
export async function countRejects(warehouse: Reads, filter: RejectFilter): Promise<RejectCount[]> {
  return warehouse.query<RejectCount>(
    `SELECT code, lane, toUInt32(count()) AS count, toUInt32(countIf(${isSettled})) AS settled
${fromRejects} WHERE ${matches} GROUP BY code, lane ORDER BY count DESC, code, lane`,
    toParams(filter),
  )
}

/** The newest rejects, newest first. */
export async function listRejects(warehouse: Reads, { limit, ...filter }: RejectFilter & { limit: number }): Promise<Reject[]> {
  const rows = await warehouse.query<SelectedReject>(
    `SELECT ${columns} ${fromRejects} WHERE ${matches} ORDER BY appended_at DESC, reject_id DESC LIMIT {limit:UInt32}`,
    { ...toParams(filter), limit },
  )
  return rows.map(toReject)
}

/** The ids of the rejects that no retry has settled, oldest first. */
export async function unsettledIds(warehouse: Reads, filter: RejectFilter): Promise<string[]> {
  const rows = await warehouse.query<{ reject_id: string }>(
    `SELECT ${rejectId} AS reject_id ${fromRejects} WHERE ${matches} AND NOT ${isSettled} ORDER BY appended_at, writer_id, epoch, seq`,
    toParams(filter),
  )
  return rows.map(({ reject_id }) => reject_id)
}

/** Rejects in the order of these ids, with their bytes. Throws `not_found` for an id that is none. */
export async function readRejects(warehouse: Reads, ids: readonly string[]): Promise<RejectWithBytes[]> {
  for (const id of ids) parseRejectId(id)
  const rows = await warehouse.query<SelectedReject & Pick<RejectWithBytes, 'raw' | 'raw_encoding'>>(
    `SELECT ${columns}, raw, raw_encoding ${fromRejects} WHERE reject_id IN {ids:Array(String)}`,
    { ids },
  )
  const found = new Map(rows.map((row) => [row.reject_id, { ...toReject(row), raw: row.raw, raw_encoding: row.raw_encoding }]))
  return ids.map((id) => {
    const reject = found.get(id)
    if (reject === undefined) throw new ServiceError('not_found', `there is no reject ${id}`, { hint: 'see `hindsight rejects list`' })
    return reject
  })
}

const rejectId = `concat(writer_id, '/', toString(epoch), '/', lane, '/', toString(seq))`
const isSettled = `retry_outcome IN ('accepted', 'stored')`

const columns = `${rejectId} AS reject_id, kind, tenant, id AS event_id, name, code, path, message, appended_at,
  retry_outcome, retry_code, retry_message, toString(last_retried_at) AS retry_at`

// An attempt that settled a reject stands, whatever another attempt that ran beside it says.
const fromRejects = `FROM bronze.rejects AS rejects FINAL
LEFT JOIN
(
  SELECT writer_id, epoch, lane, seq, max(retried_at) AS last_retried_at, argMax(outcome, (outcome != 'refused', retried_at)) AS retry_outcome,
    argMax(code, (outcome != 'refused', retried_at)) AS retry_code, argMax(message, (outcome != 'refused', retried_at)) AS retry_message
  FROM hindsight.reject_retries GROUP BY writer_id, epoch, lane, seq
) AS retries USING (writer_id, epoch, lane, seq)`

const matches = `({code:String} = '' OR code = {code:String}) AND ({lane:String} = '' OR lane = {lane:String})
  AND appended_at >= fromUnixTimestamp64Milli({since_ms:Int64})`

function toParams({ code, lane, since }: RejectFilter) {
  return { code: code ?? '', lane: lane ?? '', since_ms: since?.getTime() ?? 0 }
}

type SelectedReject = Omit<Reject, 'id' | 'retried'> & {
  reject_id: string
  retry_outcome: RetryOutcome | ''
  retry_code: string
  retry_message: string
  retry_at: string
}

function toReject({ reject_id, kind, tenant, event_id, name, code, path, message, appended_at, ...retry }: SelectedReject): Reject {
  return {
    id: reject_id,
    kind,
    tenant,
    event_id,
    name,
    code,
    path,
    message,
    appended_at: fromColumnTime(appended_at),
    ...(retry.retry_outcome !== '' && {
      retried: {
        outcome: retry.retry_outcome,
        at: fromColumnTime(retry.retry_at),
        ...(retry.retry_outcome === 'refused' && { code: retry.retry_code, message: retry.retry_message }),
      },
    }),
  }
}
