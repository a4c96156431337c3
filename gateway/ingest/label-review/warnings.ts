import type { ItemWarning } from '../../../contracts/http.ts'
import type { LabelEvent } from '../../../contracts/label-event.ts'
import { isOtherTarget, type KnownLabel, toTarget } from './known-label.ts'

type Warning = Omit<ItemWarning, 'index'>

/** How far two clocks may differ. */
const toleratedMs = 60_000

/** What is known of a label's decision and of the label that it supersedes. */
export type LabelContext = {
  /** The anchor time of its decision, where that is known. */
  anchor: string | undefined
  /** What stands under the id that it supersedes: null when nothing is known to, undefined when that cannot be told. */
  superseded: KnownLabel | null | undefined
}

/** Warns of what in a label may not mean what was meant. */
export function warningsOf(event: LabelEvent, { anchor, superseded }: LabelContext): Warning[] {
  return [...timeWarnings(event, anchor), ...supersedesWarnings(event, superseded)]
}

function timeWarnings({ event_time: happened, known_at: known, ingested_at: received }: LabelEvent, anchor: string | undefined): Warning[] {
  const warnings: Warning[] = []
  if (anchor !== undefined && Date.parse(known) < Date.parse(anchor))
    warnings.push({ code: 'known_before_anchor', path: 'known_at', message: `was known at ${known}, before the decision of ${anchor}` })
  if (Date.parse(known) > Date.parse(received) + toleratedMs)
    warnings.push({ code: 'known_in_future', path: 'known_at', message: `${known} has not come: until then the label counts for nothing` })
  if (anchor !== undefined && Date.parse(happened) < Date.parse(anchor))
    warnings.push({ code: 'event_before_anchor', path: 'event_time', message: `happened at ${happened}, before the decision of ${anchor}` })
  return warnings
}

function supersedesWarnings(event: LabelEvent, superseded: KnownLabel | null | undefined): Warning[] {
  const { supersedes: id, label } = event
  const warn = (code: string, message: string) => [{ code, path: 'supersedes', message }]
  if (id === undefined || superseded === undefined) return []
  if (superseded === null) return warn('supersedes_unknown', `nothing is stored under the label_id ${id}`)
  if (superseded.label !== label) return warn('supersedes_other_label', `${id} is about ${superseded.label}, and this about ${label}`)
  return isOtherTarget(superseded.target, toTarget(event)) ? warn('supersedes_other_target', `${id} is about something else`) : []
}
