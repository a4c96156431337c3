import type { Gap, SeqRange, Stream } from './compare.ts'
import type { ReconcileReport } from './reconcile.ts'

/** The report for a terminal: the verdict first, then every alarm, then what is still open. */
export function toReportText(report: ReconcileReport): string {
  const { totals } = report
  return [
    report.ok ? `Reconciled: everything sealed is stored${totals.expired > 0 ? ' or past its retention' : ''}.` : 'NOT reconciled.',
    `  sealed ${totals.sealed}, stored ${totals.stored} (of all records ${totals.rejected} in rejects), expired ${totals.expired}, missing ${totals.missing}, open tail ${totals.open}`,
    `  ${toFatesText(report.fates)}`,
    ...report.gaps.map((gap) => `  gap: ${nameOf(gap)} misses ${gap.missing}: ${toMissingText(gap)}`),
    ...report.seals
      .filter((seal) => seal.missing !== 0)
      .map(
        (seal) =>
          `  seal for ${seal.hour}: ${nameOf(seal)} counts ${seal.expected} in ${toRangeText(seal)}, stored ${seal.stored}${seal.expired > 0 ? `, expired ${seal.expired}` : ''}`,
      ),
    ...report.unsealed.map(
      (tail) =>
        `  unsealed: ${nameOf(tail)} from ${tail.from_seq}, ${tail.stored} stored: the epoch has ended, and the seal of its end is not stored`,
    ),
    ...report.double_payloads.map(
      ({ table, id, payload_hashes }) => `  two payloads under one id: ${table} ${id}: ${payload_hashes.join(', ')}`,
    ),
    ...report.acknowledged_payloads.map(
      ({ table, id, author, acknowledged_at, reason }) =>
        `  acknowledged: two payloads under ${table} ${id}: by ${author}, ${acknowledged_at}: ${reason}`,
    ),
    ...report.open_tails.map(
      (tail) =>
        `  open: ${nameOf(tail)} from ${tail.from_seq}, ${tail.stored} stored${tail.missing > 0 ? `, ${tail.missing} not yet` : ''}`,
    ),
  ].join('\n')
}

function toFatesText({ answered, unanswered, unknown }: ReconcileReport['fates']): string {
  const reasons = Object.entries(unanswered).flatMap(([reason, count]) => (count === 0 ? [] : [`${reason} ${count}`]))
  const total = Object.values(unanswered).reduce((sum, count) => sum + count, 0)
  return `predictions answered ${answered}, unanswered ${total}${reasons.length === 0 ? '' : ` (${reasons.join(', ')})`}, unknown ${unknown}`
}

function nameOf({ writer_id, epoch, lane }: Stream): string {
  return `${writer_id} epoch ${epoch} ${lane}`
}

function toMissingText({ first_missing, missing }: Gap): string {
  const named = first_missing.reduce((sum, range) => sum + range.last_seq - range.first_seq + 1, 0)
  return `${first_missing.map(toRangeText).join(', ')}${named < missing ? ', ...' : ''}`
}

function toRangeText({ first_seq, last_seq }: SeqRange): string {
  return first_seq === last_seq ? String(first_seq) : `${first_seq}-${last_seq}`
}
