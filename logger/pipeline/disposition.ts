import type { RejectReason } from '../../platform/schema/rows/reject-row.ts'
import type { TableRow } from '../../platform/schema/rows/tables.ts'

/**
 * What becomes of one record; exactly one of these. `ok`: its rows are to be stored, and `retentionUntil`, where there is
 * one, they may go. `retry`: the warehouse cannot take it now. `dead`: it can never be stored as what it claims to be, and
 * goes to `rejects`. `drop`: it has no origin, so nobody can ask for it again.
 */
export type Disposition =
  | { kind: 'ok'; rows: TableRow[]; retentionUntil?: string }
  | { kind: 'retry'; error: unknown }
  | { kind: 'dead'; reason: RejectReason }
  | { kind: 'drop'; reason: string }
