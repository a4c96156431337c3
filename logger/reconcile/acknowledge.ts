import { ServiceError } from '../../contracts/errors.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { type AcknowledgedDouble, doublePayloads } from './double-payloads.ts'
import { reconcile } from './reconcile.ts'

export type Acknowledgement = {
  id: string
  /** The tenant, where several have the id. */
  tenant?: string | undefined
  table?: string | undefined
  author: string
  reason: string
  nowMs: number
}

/**
 * Records that the payloads that stand under an id are known. Until another payload comes under it, reconcile shows it apart and is
 * content. Throws `not_found` where no two payloads stand under the id, `invalid_request` where the id alone does not say which.
 */
export async function acknowledge(
  warehouse: Pick<Warehouse, 'query' | 'command' | 'insert'>,
  { id, tenant, table, author, reason, nowMs }: Acknowledgement,
): Promise<AcknowledgedDouble> {
  await reconcile(warehouse)
  const { named, acknowledged } = await doublePayloads(warehouse, { id })
  const found = [...named, ...acknowledged].filter((one) => (tenant ?? one.tenant) === one.tenant && (table ?? one.table) === one.table)
  const [double, second] = found
  if (double === undefined)
    throw new ServiceError('not_found', `no two payloads stand under the id ${id}`, { hint: '`hindsight reconcile` names those that have' })
  if (second !== undefined)
    throw new ServiceError('invalid_request', `two payloads stand under the id ${id} in ${found.map(nameOf).join(' and in ')}`, {
      hint: 'say which with --tenant or --table',
    })
  const row = { tenant: double.tenant, id, payload_hashes: double.payload_hashes, author, reason }
  const acknowledged_at = new Date(nowMs).toISOString()
  await warehouse.insert('hindsight.acknowledged_doubles', [{ ...row, table_name: double.table, acknowledged_at }])
  return { ...row, table: double.table, acknowledged_at }
}

function nameOf({ table, tenant }: { table: string; tenant: string }): string {
  return `${table} of the tenant ${tenant}`
}
