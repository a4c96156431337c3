import type { Project } from '../platform/project/project.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import { evaluate } from './evaluate/evaluate.ts'
import type { Evaluation } from './evaluate/evaluation.ts'
import { evaluationHash, lastSavedHash, saveEvaluation } from './evaluate/save-evaluation.ts'

export type SnapshotDeps = { warehouse: Warehouse; now(): number; newId(): string }

export type SnapshotStatus = { evaluated_at?: string; saved_at?: string; predictions?: number; problem?: string }

/** What an evaluation was made from; `open` says that time alone may change it. */
type Basis = { project: Project; records: string; open: boolean }

/** Evaluates models over all their predictions and saves what differs from the evaluation that was saved last. */
export function createSnapshots({ warehouse, now, newId }: SnapshotDeps) {
  const lastBasis = new Map<string, Basis>()
  const status = new Map<string, SnapshotStatus>()

  return {
    /** Resolves with whether an evaluation of the model was saved. Reads little when nothing can have changed. */
    async take(project: Project, model: string): Promise<boolean> {
      const records = await countRecords(warehouse)
      const basis = lastBasis.get(model)
      if (basis !== undefined && basis.project === project && basis.records === records && !basis.open) return false
      const evaluation = await evaluate({ warehouse, project, model, clock: { asOf: now() } })
      const isNew = evaluation.groups.length > 0 && (await lastSavedHash(warehouse, model)) !== evaluationHash(evaluation)
      if (isNew) await saveEvaluation(warehouse, evaluation, { now, newId })
      lastBasis.set(model, { project, records, open: count(evaluation, 'pending') + count(evaluation, 'immature') > 0 })
      const at = new Date(now()).toISOString()
      const { problem: _, ...earlier } = status.get(model) ?? {}
      status.set(model, {
        ...earlier,
        evaluated_at: at,
        predictions: count(evaluation, 'predictions'),
        ...(isNew && { saved_at: at }),
      })
      return isNew
    },
    /** Says in the status why a model is not evaluated. */
    failed(model: string, problem: string): void {
      status.set(model, { ...status.get(model), problem })
    },
    status: (): Record<string, SnapshotStatus> => Object.fromEntries(status),
  }
}

export type Snapshots = ReturnType<typeof createSnapshots>

async function countRecords(warehouse: Warehouse): Promise<string> {
  const [row] = await warehouse.query<{ records: string }>(
    `SELECT concat(toString((SELECT count() FROM bronze.prediction_events)), ' ', toString((SELECT count() FROM bronze.label_events)), ' ',
       toString((SELECT count() FROM bronze.prediction_fates)), ' ', toString((SELECT sum(settled_through) FROM bronze.settled FINAL))) AS records`,
  )
  return row?.records ?? ''
}

function count({ groups }: Evaluation, name: 'predictions' | 'pending' | 'immature'): number {
  return groups.reduce((sum, { counts }) => sum + counts[name], 0)
}
