import { toRejectPayload } from '../../platform/schema/rows/reject-row.ts'
import type { RejectCount } from './find-rejects.ts'
import { type Reject, type RejectWithBytes } from './reject.ts'
import type { RetryReport } from './retry-rejects.ts'

/** Counts by code first, then the newest, one line each. */
export function toListText({ counts, rejects }: { counts: readonly RejectCount[]; rejects: readonly Reject[] }): string {
  if (counts.length === 0) return 'No rejects.'
  const total = counts.reduce((sum, { count }) => sum + count, 0)
  return [
    ...counts.map(
      ({ code, lane, count, settled }) =>
        `${String(count).padStart(8)}  ${code} (${lane}${settled > 0 ? `, ${settled} settled by a retry` : ''})`,
    ),
    '',
    ...(rejects.length < total ? [`newest ${rejects.length} of ${total}:`] : []),
    ...rejects.map((reject) => toLine(reject)),
  ].join('\n')
}

function toLine(reject: Reject): string {
  const at = reject.path === '' ? '' : `${reject.path}: `
  const retried = reject.retried === undefined ? '' : ` [retried: ${reject.retried.outcome}]`
  return printable(`${reject.id}  ${reject.appended_at}  ${reject.name}  ${reject.code}  ${at}${reject.message}${retried}`)
}

/** The text of a reject: why it was rejected, where it came from, and its bytes as indented JSON, as other text, or in base64. */
export function toRejectText(reject: RejectWithBytes): string {
  const facts = [
    ['reject', reject.id],
    ['code', reject.code],
    ['path', reject.path],
    ['message', reject.message],
    ['kind', reject.kind],
    ['name', reject.name],
    ['tenant', reject.tenant],
    ['event id', reject.event_id],
    ['appended', reject.appended_at],
    ['retried', retriedText(reject)],
  ].filter(([, value]) => value !== '')
  const heading = facts.map(([name = '', value = '']) => `${name.padEnd(9)}${printable(value)}`)
  return [...heading, '', ...payloadText(reject).split('\n').map(printable)].join('\n')
}

function retriedText({ retried }: Reject): string {
  if (retried === undefined) return ''
  return `${retried.outcome} at ${retried.at}${retried.code === undefined ? '' : `: ${retried.code}: ${retried.message ?? ''}`}`
}

function payloadText(reject: RejectWithBytes): string {
  if (reject.raw_encoding === 'base64') return `${toRejectPayload(reject).length} bytes that are no UTF-8, in base64:\n${reject.raw}`
  try {
    return JSON.stringify(JSON.parse(reject.raw), null, 2)
  } catch {
    return reject.raw
  }
}

export function toRetryText(report: RetryReport): string {
  const { accepted, stored, refused, already_settled: settled, results } = report
  if (results.length === 0) return 'Nothing to retry.'
  const newFacts = results.some(({ id, outcome }) => outcome === 'stored' && id.includes('/feature_events/'))
  return [
    `accepted by the gateway ${accepted}, stored ${stored}, refused again ${refused}, settled before ${settled}`,
    ...results
      .filter(({ outcome }) => outcome === 'refused')
      .slice(0, shownRefusals)
      .map(({ id, code, message }) => printable(`  ${id}: ${code}: ${message}`)),
    ...(refused > shownRefusals ? [`  ... and ${refused - shownRefusals} more: see \`hindsight rejects list\``] : []),
    ...(newFacts ? ['The online store has not seen the feature events that were stored: `hindsight rebuild` brings them in.'] : []),
  ].join('\n')
}

const shownRefusals = 10

/** A text without characters that could steer the terminal which shows what a client sent. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(
    /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
