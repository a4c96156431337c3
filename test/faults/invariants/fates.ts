import type { PredictionAttempt } from '../client/ledger.ts'
import { misjudged, type Violation } from './violation.ts'

export type FateRow = { request_id: string; route: string; status: string; fate: string | null; unanswered_reason: string | null }

/**
 * Invariant 8. Whatever happens, what a client has whole was not unanswered, and what it was told is late or failed was not
 * answered. `cut` where the gateway or its clients' connections were ended: then what was under way may be unknown, or in the kernel.
 */
export function checkFates(
  rows: readonly FateRow[],
  { attempts, cut }: { attempts: ReadonlyMap<string, PredictionAttempt>; cut: boolean },
): Violation[] {
  return rows.flatMap((row) => {
    const attempt = attempts.get(row.request_id)
    if (row.route === 'shadow') return row.fate === null ? [] : [misjudged(row.request_id, `a shadow is ${row.fate}`)]
    if (attempt === undefined || expected(row, attempt, cut).includes(row.fate ?? '')) return []
    const saw = attempt.answer === undefined ? `saw ${attempt.refusedWith}` : 'has the answer'
    return [misjudged(row.request_id, `a prediction that ended ${row.status} is ${describe(row)}, and its client ${saw}`)]
  })
}

function expected({ status }: FateRow, { answer, refusedWith = '' }: PredictionAttempt, cut: boolean): string[] {
  const unknown = cut ? ['unknown'] : []
  if (answer !== undefined) return ['answered', ...unknown]
  const isTold = /^\d+$/.test(refusedWith)
  // An error that the prediction ended with is its answer.
  if (isTold) return [status === 'error' ? 'answered' : 'unanswered', ...unknown]
  return cut ? ['answered', 'unanswered', ...unknown] : ['unanswered']
}

function describe({ fate, unanswered_reason: reason }: FateRow): string {
  return reason === null ? String(fate) : `${fate}: ${reason}`
}
