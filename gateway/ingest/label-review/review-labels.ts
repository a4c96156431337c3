import type { LabelEvent, LabelFields } from '../../../contracts/label-event.ts'
import type { GatewayMetrics } from '../../metrics/gateway-metrics.ts'
import type { Candidate, ItemProblem, Review } from '../ingest.ts'
import { type KnownLabel, toTarget, toValueText } from './known-label.ts'
import { type AnchorOf, findAnchors } from './find-anchors.ts'
import { createRecall, type RecallDeps } from './recall.ts'
import { createSingleLookup } from './timed-lookup.ts'
import { warningsOf } from './warnings.ts'

export type LabelReviewDeps = RecallDeps & { metrics: Pick<GatewayMetrics, 'labelLookup' | 'labelWarning'> }

type Label = Candidate<LabelFields, LabelEvent>

/**
 * Looks at labels before they are stored: refuses a label_id under which something else stands, as far as that is known, and warns of what
 * may not mean what was meant. That nobody can tell refuses nothing.
 */
export function createLabelReview(deps: LabelReviewDeps): Review<LabelFields, LabelEvent> {
  const recall = createRecall(deps)
  const askAnchors = createSingleLookup('predictions', deps)

  /** Asks for the anchor times of the decisions that labels name by an id. */
  async function recallAnchors(labels: readonly Label[], tenant: string): Promise<AnchorOf> {
    const targets = labels.map(({ event }) => event).filter(namesDecision)
    const found =
      targets.length === 0 ? undefined : await askAnchors(() => findAnchors(deps.warehouse, { tenant, targets, withinMs: deps.lookupMs }))
    return found ?? (() => undefined)
  }

  return async function review(labels, options) {
    const said = firstOfEach(labels)
    const superseded = labels.flatMap(({ event }) => event.supersedes ?? []).filter((id) => !said.has(id))
    const [{ standing, complete, undo }, anchorOf] = await Promise.all([
      recall(said, [...new Set(superseded)], options),
      recallAnchors(labels, options.tenant),
    ])
    const standsUnder = (id: string) => standing.get(id) ?? said.get(id)
    const problems = new Map(labels.flatMap((label) => conflictOf(label, standsUnder(label.event.label_id))))
    const warnings = labels
      .filter(({ index }) => !problems.has(index))
      .flatMap(({ index, event }) => {
        const known = event.supersedes === undefined ? undefined : (standsUnder(event.supersedes) ?? (complete ? null : undefined))
        const anchor = event.anchor_time ?? anchorOf(event)
        return warningsOf(event, { anchor, superseded: known }).map((warning) => ({ index, ...warning }))
      })
    return {
      problems,
      warnings,
      failed: undo,
      accepted: () => {
        for (const { code } of warnings) deps.metrics.labelWarning(code)
      },
    }
  }
}

/** The first label under each id, among those that clients gave: an id made here is new. */
function firstOfEach(labels: readonly Label[]): Map<string, KnownLabel> {
  const said = new Map<string, KnownLabel>()
  for (const { fields, event } of labels)
    if (fields.label_id !== undefined && !said.has(event.label_id)) said.set(event.label_id, toKnown(event))
  return said
}

function namesDecision({ prediction_id: prediction, request_id: request }: LabelEvent): boolean {
  return prediction !== undefined || request !== undefined
}

function toKnown(event: LabelEvent): KnownLabel {
  const { payload_hash: hash, label, ingested_at: ingestedAt } = event
  return { hash, label, ingestedAt, target: toTarget(event), value: toValueText(event) }
}

function conflictOf({ index, event }: Label, known: KnownLabel | undefined): [number, ItemProblem][] {
  if (known === undefined || known.hash === event.payload_hash) return []
  const message = `under ${event.label_id} stands another label: ${known.label} is ${known.value}, received ${known.ingestedAt}`
  return [[index, { code: 'label_conflict', path: 'label_id', message }]]
}
