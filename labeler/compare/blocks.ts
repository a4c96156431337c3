import type { ComparisonSetup } from './comparison-setup.ts'
import type { PairedRow } from './paired-row.ts'

const dayMs = 86_400_000

/** A block with fewer entities joins the next. */
export const fewestEntities = 30

/** Decisions that entered from `fromMs` until before `toMs`. */
export type Block = { fromMs: number; toMs: number; rows: PairedRow[] }

/** Complete blocks, and what entered since the last of them. */
export type Blocks = { closed: Block[]; open: Block }

/**
 * Puts rows, which are in the order in which they entered, into blocks of whole UTC days from the day of the start. A block is
 * closed once it is over at `nowMs` and holds enough entities; what enters later never changes it.
 */
export function toBlocks(rows: readonly PairedRow[], setup: ComparisonSetup, nowMs: number): Blocks {
  const length = setup.block_days * dayMs
  const startMs = Math.floor(Date.parse(setup.started_at) / dayMs) * dayMs
  const closed: Block[] = []
  let open: Block = { fromMs: startMs, toMs: startMs + length, rows: [] }
  let next = 0
  while (open.toMs <= nowMs) {
    for (; next < rows.length && rows[next]!.enteredAtMs < open.toMs; next++) open.rows.push(rows[next]!)
    if (entitiesOf(open.rows, setup.entities) >= fewestEntities) {
      closed.push(open)
      open = { fromMs: open.toMs, toMs: open.toMs + length, rows: [] }
    } else open = { ...open, toMs: open.toMs + length }
  }
  return { closed, open: { ...open, rows: [...open.rows, ...rows.slice(next).filter(({ enteredAtMs }) => enteredAtMs <= nowMs)] } }
}

/** The number of entities of the role that has most. */
function entitiesOf(rows: readonly PairedRow[], roles: readonly string[]): number {
  if (roles.length === 0) return rows.length
  return Math.max(...roles.map((role) => new Set(rows.map((row) => clusterOf(row, role))).size))
}

/** What the row is clustered by: the role's entity, else the decision itself. */
export function clusterOf(row: PairedRow, role: string): string {
  return row.entities[role] ?? `decision ${row.decisionId}`
}
