import type { ComparisonSetup, LossSetup } from './comparison-setup.ts'
import { fewestBlocks, fewestClusters, fewestEffectiveClusters } from './gates.ts'
import type { Decision, Difference, MoreNeeded, Reason, Verdict } from './verdict.ts'

/** The verdict in sentences, a line each. */
export function verdictText(setup: ComparisonSetup, verdict: Verdict): string {
  const { champion, challenger } = setup
  const missing = verdict.missing_labels + verdict.missing_answers > 0
  const lines = [
    `${headline(setup, verdict.decision)}${verdict.caveats.includes('these_days_only') ? ', for these days only' : ''}`,
    ...verdict.reasons.map((reason) => `  ${reasonText(reason)}`),
    ...(verdict.decision === 'not_yet' ? [`  ${moreText(verdict)}`] : []),
    `  ${lossName(setup.loss)} of version ${challenger} less that of version ${champion}: ${differenceText(verdict.difference)}`,
    ...(missing
      ? [
          `  weighted to the scores of all matured decisions: ${differenceText(verdict.post_stratified)}`,
          `  if all that is missing spoke for version ${challenger}: ${differenceText(verdict.missing_for)}`,
          `  if it all spoke against it: ${differenceText(verdict.missing_against)}`,
        ]
      : []),
    ...(verdict.strata.length > 1
      ? verdict.strata.map((stratum) => `  while ${stratum.stratum} stood, ${count(stratum.rows, 'decision')}: ${differenceText(stratum)}`)
      : []),
    `  judged: ${count(verdict.rows, 'decision')} in ${count(verdict.blocks, 'block')} until ${verdict.judged_until}; ${clustersText(verdict)}`,
    `  missing: ${count(verdict.missing_labels, 'label')}, ${count(verdict.missing_answers, 'answer')}; waiting for the next block: ${count(verdict.waiting, 'decision')}`,
    ...leftOutText(verdict),
    ...(verdict.block_correlation === undefined ? [] : [`  correlation of successive blocks: ${verdict.block_correlation.toFixed(2)}`]),
    `  wrong in at most ${toPercent(verdict.level)} of comparisons, however often it is looked at; set-up ${verdict.setup_hash.slice(0, 12)}`,
  ]
  return `${lines.join('\n')}\n`
}

function headline({ champion, challenger, no_difference_over: bound }: ComparisonSetup, decision: Decision): string {
  const texts: Record<Decision, string> = {
    better: `better: version ${challenger} loses less than version ${champion}`,
    worse: `worse: version ${challenger} loses more than version ${champion}`,
    no_difference: `no difference over ${bound} between versions ${challenger} and ${champion}`,
    not_yet: `not yet: nothing can be said of versions ${challenger} and ${champion}`,
  }
  return texts[decision]
}

function reasonText(reason: Reason): string {
  const texts: Record<Reason, string> = {
    no_block: 'no block with labels and with answers of both versions is complete',
    too_few_blocks: `there are fewer than ${fewestBlocks} blocks`,
    too_few_clusters: `there are fewer than ${fewestClusters} entities of a role`,
    unbalanced_clusters: `most decisions are of so few entities of a role that they weigh as fewer than ${fewestEffectiveClusters} equal ones`,
    no_variance: 'every difference is the same',
    undecided: 'the interval holds 0',
    not_post_stratified: 'it does not hold once labelled decisions are weighted to the scores of all',
    depends_on_missing_labels: 'depends on missing labels',
  }
  return texts[reason]
}

function moreText({ more_needed: more, reasons }: Verdict): string {
  if (more !== undefined) return untilText(more)
  if (reasons.includes('depends_on_missing_labels') || reasons.includes('not_post_stratified'))
    return 'needed: the missing labels and answers'
  if (reasons.includes('too_few_clusters')) return `needed: decisions of at least ${fewestClusters} entities`
  if (reasons.includes('unbalanced_clusters')) return 'needed: decisions that are spread over more entities'
  if (reasons.includes('no_block') || reasons.includes('too_few_blocks')) return `needed: at least ${fewestBlocks} blocks`
  return 'how much more is needed cannot be foretold from these days'
}

function untilText({ blocks, days, rows, at }: MoreNeeded): string {
  return `needed, if days stay like these: ${count(blocks, 'more block')}, about ${count(rows, 'decision')}, until ${at.slice(0, 10)} (${count(days, 'day')})`
}

function clustersText({ clusters }: Verdict): string {
  return Object.entries(clusters)
    .map(([role, number]) => `${role}: ${number.toLocaleString('en')}`)
    .join(', ')
}

function leftOutText({ left_out: leftOut }: Verdict): string[] {
  const parts = Object.entries(leftOut).flatMap(([why, number]) => (number > 0 ? `${number.toLocaleString('en')} ${why}` : []))
  return parts.length === 0 ? [] : [`  left out: ${parts.join(', ').replaceAll('_', ' ')}`]
}

function differenceText({ estimate, lower, upper }: Difference): string {
  if (estimate === undefined) return 'unknown'
  const interval = lower === undefined || upper === undefined ? 'no interval yet' : `[${toFigure(lower)}, ${toFigure(upper)}]`
  return `${toFigure(estimate)} ${interval}`
}

function lossName({ kind }: LossSetup): string {
  return { brier: 'the Brier score', log_loss: 'the log loss', squared_error: 'the squared error' }[kind]
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`
}

function toFigure(value: number): string {
  return Number(value.toPrecision(4)).toString()
}

function toPercent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`
}
