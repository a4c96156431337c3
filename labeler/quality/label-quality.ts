import { labelSourceKinds } from '../../contracts/label-event.ts'
import { clusteredRows, toClusters } from '../metrics/dependence.ts'
import type { Estimate } from '../metrics/estimate.ts'
import { intervalOf } from '../metrics/interval.ts'
import { groupBy } from '../outcomes/group-by.ts'
import { type Agreement, cohenKappa } from './kappa.ts'

export type LabelSource = { kind: (typeof labelSourceKinds)[number]; name: string; labeler?: string | undefined }

/** What stands of one source about one decision. */
export type SourceStatement = {
  decisionId: string
  source: LabelSource
  value: string | number
  /** An entity that decisions share. */
  cluster?: string | undefined
}

/** How two sources agree on the decisions that both spoke of. */
export type SourceAgreement = Agreement & { first: LabelSource; second: LabelSource }

/** How often a source said otherwise than the strongest kind, on the decisions that both spoke of. */
export type SourceError = {
  source: LabelSource
  n: number
  /** The share of decisions with another value. */
  error: Estimate
  /** How many decisions had the true value (first key) and were said to have the other (second key). */
  confusion: Record<string, Record<string, number>>
  /** Of numbers: what the source said less what is true. */
  bias?: Estimate
}

/** The agreement of each pair of sources that share decisions; texts and numbers are equal where their texts are. */
export function sourceAgreements(statements: readonly SourceStatement[]): SourceAgreement[] {
  const sources = [...groupBy(statements, ({ source }) => nameOf(source)).values()]
  const byDecision = sources.map((own) => new Map(own.map((statement) => [statement.decisionId, statement])))
  return sources.flatMap((own, index) =>
    byDecision.slice(index + 1).flatMap((other) => {
      const pairs = [...byDecision[index]!.values()].flatMap((first) => {
        const second = other.get(first.decisionId)
        return second === undefined ? [] : { first: String(first.value), second: String(second.value), cluster: first.cluster }
      })
      const [second] = other.values()
      return pairs.length === 0 ? [] : { first: own[0]!.source, second: second!.source, ...cohenKappa(pairs) }
    }),
  )
}

/**
 * The error of each source against the strongest kind that spoke of the decision, if that is stronger than the source's own. A decision
 * on which sources of the strongest kind disagree is left out.
 */
export function sourceErrors(statements: readonly SourceStatement[]): SourceError[] {
  const truths = new Map<string, { rank: number; value: string | number } | undefined>()
  for (const [decision, of] of groupBy(statements, ({ decisionId }) => decisionId)) truths.set(decision, strongestOf(of))
  return [...groupBy(statements, ({ source }) => nameOf(source)).values()].flatMap((own) => {
    const judged = own.flatMap((statement) => {
      const truth = truths.get(statement.decisionId)
      return truth !== undefined && truth.rank < rankOf(statement.source) ? { ...statement, truth: truth.value } : []
    })
    return judged.length === 0 ? [] : errorOf(own[0]!.source, judged)
  })
}

type Judged = SourceStatement & { truth: string | number }

function errorOf(source: LabelSource, judged: readonly Judged[]): SourceError {
  const confusion: SourceError['confusion'] = {}
  for (const { value, truth } of judged) {
    const row = (confusion[String(truth)] ??= {})
    row[String(value)] = (row[String(value)] ?? 0) + 1
  }
  const numbers = judged.flatMap(({ value, truth }) => (typeof value === 'number' && typeof truth === 'number' ? value - truth : []))
  return {
    source,
    n: judged.length,
    error: clusteredMean(
      judged,
      judged.map(({ value, truth }) => Number(String(value) !== String(truth))),
      { least: 0, most: 1 },
    ),
    confusion,
    ...(numbers.length === judged.length && { bias: clusteredMean(judged, numbers, {}) }),
  }
}

function clusteredMean(rows: readonly SourceStatement[], values: readonly number[], range: { least?: number; most?: number }): Estimate {
  const n = values.length
  const value = values.reduce((sum, each) => sum + each, 0) / n
  const influence = Float64Array.from(values, (each) => (each - value) / n)
  const clusters = rows.some(({ cluster }) => cluster !== undefined) ? [toClusters(rows.map(({ cluster }) => cluster))] : []
  return intervalOf({ value, influence, n }, { dependence: clusteredRows({ entities: clusters, days: undefined, n }), range })
}

function strongestOf(statements: readonly SourceStatement[]): { rank: number; value: string | number } | undefined {
  const rank = Math.min(...statements.map(({ source }) => rankOf(source)))
  const values = new Set(statements.flatMap(({ source, value }) => (rankOf(source) === rank ? value : [])))
  const [value] = values
  return values.size === 1 && value !== undefined ? { rank, value } : undefined
}

/** 0 is the strongest. */
function rankOf({ kind }: LabelSource): number {
  return labelSourceKinds.indexOf(kind)
}

function nameOf({ kind, name, labeler }: LabelSource): string {
  return JSON.stringify([kind, name, labeler ?? null])
}
