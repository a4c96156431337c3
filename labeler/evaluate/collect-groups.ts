import type { Score } from '../../contracts/model-definition.ts'
import { outcomeStates } from '../outcomes/outcome.ts'
import { createClassReader, type SaidClass } from './class-of.ts'
import type { Dimension, GroupCounts } from './evaluation.ts'
import type { PredictionRow } from './prediction-rows.ts'

/** What was said and what turned out, of the predictions that count for metrics; numbers or texts, as the task has them. */
export type Judged = {
  scores: number[]
  outcomes: number[]
  scoreTexts: string[]
  outcomeTexts: string[]
  /** The probability of the class that turned out, per row; NaN where the model gave no probabilities. */
  likelihoods: number[]
  /** The probability of the likeliest class, per row, and whether that turned out; NaN likewise. */
  likeliest: { probabilities: number[]; isObserved: number[] }
  /** The UTC day of each row's anchor time, and its entities. */
  days: string[]
  clusters: string[][]
}

export type CollectedGroup = { dimensions: Partial<Record<Dimension, string>>; counts: GroupCounts; judged: Judged }

export type GroupRules = { dimensions: readonly Dimension[]; matureOnly: boolean; score: Score }

/** Counts and gathers rows as they come. Where routes are taken together, shadows are left out: they answered nobody. */
export function createGroupCollector({ dimensions, matureOnly, score }: GroupRules) {
  const classOf = score.kind === 'class' ? createClassReader(score) : undefined
  const groups = new Map<string, CollectedGroup>()

  function groupOf(row: PredictionRow): CollectedGroup {
    const values = dimensions.map((dimension) => row[dimension])
    const key = values.join('\n')
    const known = groups.get(key)
    if (known !== undefined) return known
    const group = {
      dimensions: Object.fromEntries(dimensions.map((name) => [name, row[name]])),
      counts: emptyCounts(),
      judged: emptyJudged(),
    }
    groups.set(key, group)
    return group
  }

  return {
    add(row: PredictionRow): void {
      if (row.route === 'shadow' && !dimensions.includes('route') && !dimensions.includes('model_version')) return
      const { counts, judged } = groupOf(row)
      if (row.left_out !== null) return void (counts[row.left_out] += 1)
      const said = classOf?.(row)
      const isScored = classOf === undefined ? row.score !== null : said !== undefined
      counts.predictions += 1
      counts[row.outcome_state] += 1
      if (!isScored) counts.errors += 1
      if (!isScored || (row.outcome_state !== 'labeled' && row.outcome_state !== 'negative')) return
      if (matureOnly && !row.mature) counts.immature += 1
      else judge(judged, row, said)
    },
    /** Versions newest first, then routes, anchors and days in order. */
    groups: () => [...groups.values()].toSorted(byDimensions(dimensions)),
  }
}

function judge(judged: Judged, row: PredictionRow, said: SaidClass | undefined): void {
  if (said !== undefined && row.outcome_text !== null) {
    judged.scoreTexts.push(said.name)
    judged.outcomeTexts.push(row.outcome_text)
    judged.likelihoods.push(said.likelihoodOf(row.outcome_text))
    judged.likeliest.probabilities.push(said.likeliest?.probability ?? Number.NaN)
    judged.likeliest.isObserved.push(Number(said.likeliest?.name === row.outcome_text))
  } else if (row.score !== null && row.outcome !== null) {
    judged.scores.push(row.score)
    judged.outcomes.push(row.outcome)
  } else return
  judged.days.push(row.day)
  judged.clusters.push(row.clusters)
}

function emptyCounts(): GroupCounts {
  const states = Object.fromEntries(outcomeStates.map((state) => [state, 0])) as Record<(typeof outcomeStates)[number], number>
  return { predictions: 0, unanswered: 0, repeated: 0, errors: 0, ...states, immature: 0 }
}

function emptyJudged(): Judged {
  return {
    scores: [],
    outcomes: [],
    scoreTexts: [],
    outcomeTexts: [],
    likelihoods: [],
    likeliest: { probabilities: [], isObserved: [] },
    days: [],
    clusters: [],
  }
}

function byDimensions(dimensions: readonly Dimension[]) {
  return (a: CollectedGroup, b: CollectedGroup): number => {
    for (const name of dimensions) {
      const [left = '', right = ''] = [a.dimensions[name], b.dimensions[name]]
      const order = left.localeCompare(right, 'en', { numeric: true }) * (name === 'model_version' ? -1 : 1)
      if (order !== 0) return order
    }
    return 0
  }
}
