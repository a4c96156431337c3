import { differenceOf, toBoundedLoss } from './bounded-loss.ts'
import { type Block, toBlocks } from './blocks.ts'
import { type ComparisonSetup, levelOf, requireSetup, setupHash } from './comparison-setup.ts'
import { clusterShortcoming, fewestBlocks } from './gates.ts'
import { type Interval, sideOf } from './interval.ts'
import { effectiveGroups, meanOf } from './moments.ts'
import { blocksUntil } from './more-needed.ts'
import { type LeftOut, type PairedRow, selectRows } from './paired-row.ts'
import { postWeights } from './post-stratify.ts'
import { blockCorrelation, type RowValue, type Sequence, sequenceInterval, toSequence } from './sequence.ts'

export type Decision = 'better' | 'worse' | 'no_difference' | 'not_yet'

/** Why nothing is called. */
export type Reason =
  /** No closed block has a decision with a label and both answers. */
  | 'no_block'
  | 'too_few_blocks'
  | 'too_few_clusters'
  /** So few entities have most of the decisions that the variance cannot be told. */
  | 'unbalanced_clusters'
  /** Every difference is the same, so that nothing says how sure the mean is. */
  | 'no_variance'
  /** The confidence sequence holds 0, and goes beyond the difference that does not matter. */
  | 'undecided'
  /** What is called of the labelled rows does not hold once they are weighted to the scores of all matured rows. */
  | 'not_post_stratified'
  /** What is called of the labelled rows would turn if the missing labels and answers were all against it. */
  | 'depends_on_missing_labels'

/** What goes with a call. `these_days_only`: successive blocks resemble each other, so other days may differ. */
export type Caveat = 'these_days_only'

/** A mean difference of losses, challenger less champion; below 0 the challenger is better. The interval holds at any time. */
export type Difference = { estimate?: number; lower?: number; upper?: number }

export type StratumDifference = Difference & { stratum: string; rows: number; blocks: number }

/** What more it takes to call something, if the days to come are like these. */
export type MoreNeeded = { blocks: number; days: number; rows: number; at: string }

/** A verdict on two versions. Times are RFC 3339. */
export type Verdict = {
  setup_hash: string
  level: number
  decision: Decision
  reasons: Reason[]
  caveats: Caveat[]
  difference: Difference
  /** Weighted to the scores of all matured rows. */
  post_stratified: Difference
  /** If all that is missing spoke for the challenger, and if all spoke against it. */
  missing_for: Difference
  missing_against: Difference
  strata: StratumDifference[]
  blocks: number
  /** Of each role, and how many of equal size would weigh as much. */
  clusters: Record<string, number>
  effective_clusters: Record<string, number>
  block_correlation?: number
  /** Decisions in closed blocks, and of these the ones without a label or without an answer of either version. */
  rows: number
  missing_labels: number
  missing_answers: number
  /** Decisions that have entered since the last closed block. */
  waiting: number
  judged_until: string
  left_out: LeftOut
  more_needed?: MoreNeeded
}

/** The correlation of successive blocks above which a call is for these days only. */
export const mostCorrelation = 0.3

const dayMs = 86_400_000

/** Judges two versions by the rows known at `nowMs`; what it says of the closed blocks is the same at every later time. */
export function judge(setup: ComparisonSetup, from: Iterable<PairedRow>, nowMs: number): Verdict {
  requireSetup(setup)
  const level = levelOf(setup)
  const { rows, leftOut } = selectRows(from, setup)
  const { closed, open } = toBlocks(rows, setup, nowMs)
  const values = valuesOf(setup)
  const sequenceOf = (value: RowValue, blocks: readonly Pick<Block, 'rows'>[] = closed) => toSequence(blocks, setup.entities, value)
  const observed = sequenceOf({ of: values.observed })
  const weights = postWeights(closed)
  const missing = countMissing(closed)
  const complete = missing.labels + missing.answers === 0
  const postStratified = complete ? observed : sequenceOf({ of: values.observed, weight: weights.of })
  const low = complete ? observed : sequenceOf({ of: values.lowest })
  const high = complete ? observed : sequenceOf({ of: values.highest })
  const called = call({ setup, level, observed, postStratified, low, high })
  const correlation = blockCorrelation(observed)
  const more = called.decision === 'not_yet' ? moreNeeded({ setup, level, observed, open, reasons: called.reasons }) : undefined
  return {
    setup_hash: setupHash(setup),
    level,
    ...called,
    caveats: correlation !== undefined && correlation > mostCorrelation ? ['these_days_only'] : [],
    difference: toDifference(observed, level),
    post_stratified: toDifference(postStratified, level),
    missing_for: toDifference(low, level),
    missing_against: toDifference(high, level),
    strata: toStrata(closed).map(({ stratum, blocks }) => {
      const sequence = sequenceOf({ of: values.observed }, blocks)
      return { stratum, rows: sequence.blocks.rows, blocks: sequence.blocks.groups, ...toDifference(sequence, level) }
    }),
    blocks: observed.blocks.groups,
    clusters: Object.fromEntries(observed.roles.map(({ role, clusters }) => [role, clusters.groups])),
    effective_clusters: Object.fromEntries(observed.roles.map(({ role, clusters }) => [role, effectiveGroups(clusters)])),
    ...(correlation !== undefined && { block_correlation: correlation }),
    rows: closed.reduce((total, block) => total + block.rows.length, 0),
    missing_labels: missing.labels,
    missing_answers: missing.answers,
    waiting: open.rows.length,
    judged_until: new Date(open.fromMs).toISOString(),
    left_out: leftOut,
    ...(more !== undefined && { more_needed: more }),
  }
}

type Sequences = { setup: ComparisonSetup; level: number; observed: Sequence; postStratified: Sequence; low: Sequence; high: Sequence }

function call({ setup, level, observed, postStratified, low, high }: Sequences): { decision: Decision; reasons: Reason[] } {
  const short = shortcomings(observed)
  const decision = decide(setup, sequenceInterval(observed, level))
  if (short.length > 0 || decision === 'not_yet') return { decision: 'not_yet', reasons: short.length > 0 ? short : ['undecided'] }
  const reasons: Reason[] = []
  if (decide(setup, sequenceInterval(postStratified, level)) !== decision) reasons.push('not_post_stratified')
  if (!keeps(setup, decision, meanOf(low.blocks)) || !keeps(setup, decision, meanOf(high.blocks))) reasons.push('depends_on_missing_labels')
  return reasons.length > 0 ? { decision: 'not_yet', reasons } : { decision, reasons }
}

function shortcomings({ blocks, roles }: Sequence): Reason[] {
  if (blocks.groups === 0) return ['no_block']
  const reasons: Reason[] = []
  if (blocks.groups < fewestBlocks) reasons.push('too_few_blocks')
  const ofRoles = roles.map(({ clusters }) => clusterShortcoming(clusters))
  for (const reason of ['too_few_clusters', 'unbalanced_clusters'] as const) if (ofRoles.includes(reason)) reasons.push(reason)
  if (roles.every(({ eta }) => eta === 0)) reasons.push('no_variance')
  return reasons
}

function decide({ no_difference_over: bound }: ComparisonSetup, interval: Interval): Decision {
  const side = sideOf(interval)
  if (side !== 0) return side < 0 ? 'better' : 'worse'
  return bound !== undefined && interval.lower > -bound && interval.upper < bound ? 'no_difference' : 'not_yet'
}

/** Whether a mean at an end of what is possible still speaks for the decision. */
function keeps({ no_difference_over: bound = 0 }: ComparisonSetup, decision: Decision, mean: number): boolean {
  if (decision === 'no_difference') return Math.abs(mean) < bound
  return decision === 'better' ? mean < 0 : mean > 0
}

function valuesOf({ loss }: ComparisonSetup) {
  const bounded = toBoundedLoss(loss)
  return {
    observed: (row: PairedRow) => (isComplete(row) ? differenceOf(bounded, row).lower : undefined),
    lowest: (row: PairedRow) => differenceOf(bounded, row).lower,
    highest: (row: PairedRow) => differenceOf(bounded, row).upper,
  }
}

function isComplete({ champion, challenger, outcome }: PairedRow): boolean {
  return champion !== undefined && challenger !== undefined && outcome !== undefined
}

function countMissing(blocks: readonly Block[]): { labels: number; answers: number } {
  const missing = { labels: 0, answers: 0 }
  for (const { rows } of blocks) {
    for (const { champion, challenger, outcome } of rows) {
      missing.labels += Number(outcome === undefined)
      missing.answers += Number(champion === undefined || challenger === undefined)
    }
  }
  return missing
}

/** The blocks of each stratum, in the order in which strata begin. */
function toStrata(blocks: readonly Block[]): { stratum: string; blocks: { rows: PairedRow[] }[] }[] {
  const names = [...new Set(blocks.flatMap(({ rows }) => rows.map(({ stratum }) => stratum)))]
  return names.map((stratum) => ({
    stratum,
    blocks: blocks.map(({ rows }) => ({ rows: rows.filter((row) => row.stratum === stratum) })),
  }))
}

function toDifference(sequence: Sequence, level: number): Difference {
  if (sequence.blocks.groups === 0) return {}
  const { lower, upper } = sequenceInterval(sequence, level)
  return {
    estimate: meanOf(sequence.blocks),
    ...(Number.isFinite(lower) && Number.isFinite(upper) && { lower, upper }),
  }
}

type MoreNeededInput = { setup: ComparisonSetup; level: number; observed: Sequence; open: Block; reasons: readonly Reason[] }

/** How much more it takes; undefined where more days like these would not help. */
function moreNeeded({ setup, level, observed, open, reasons }: MoreNeededInput): MoreNeeded | undefined {
  const { groups, rows } = observed.blocks
  if (reasons.some((reason) => !['too_few_blocks', 'undecided'].includes(reason))) return undefined
  const decides = (interval: Interval) => decide(setup, interval) !== 'not_yet'
  const blocks = blocksUntil(observed, { level, fewest: fewestBlocks, decides })
  if (blocks === undefined) return undefined
  const days = (open.fromMs - Math.floor(Date.parse(setup.started_at) / dayMs) * dayMs) / dayMs / groups
  const more = blocks - groups
  return {
    blocks: more,
    days: Math.ceil(more * days),
    rows: Math.ceil((more * rows) / groups),
    at: new Date(open.fromMs + Math.ceil(more * days) * dayMs).toISOString(),
  }
}
