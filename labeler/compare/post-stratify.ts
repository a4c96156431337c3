import type { Block } from './blocks.ts'
import type { PairedRow } from './paired-row.ts'

/** Each version's scores are cut into so many buckets, at the quantiles of the first block. */
const bucketCount = 5

/** The weight of a labelled row: how many matured rows of its two buckets there are for each labelled one. */
export type PostWeights = {
  of(row: PairedRow): number
  /** The share of matured rows whose buckets hold no label. */
  uncovered: number
}

/**
 * Weights by which the labelled rows have the joint distribution of both versions' scores that all matured rows have, so that
 * labels that come sooner at some scores do not pass for all.
 */
export function postWeights(blocks: readonly Block[]): PostWeights {
  const bucket = bucketsOf(blocks[0]?.rows ?? [])
  const strata = new Map<string, { matured: number; labelled: number }>()
  for (const { rows } of blocks) for (const row of rows) count(row)
  const counts = [...strata.values()]
  const all = counts.reduce((total, { matured }) => total + matured, 0)
  const bare = counts.reduce((total, { matured, labelled }) => total + (labelled === 0 ? matured : 0), 0)
  return {
    of(row) {
      const stratum = strata.get(bucket(row) ?? '')
      return stratum === undefined ? 1 : stratum.matured / stratum.labelled
    },
    uncovered: all === 0 ? 0 : bare / all,
  }

  function count(row: PairedRow): void {
    const key = bucket(row)
    if (key === undefined) return
    const stratum = strata.get(key) ?? { matured: 0, labelled: 0 }
    stratum.matured += 1
    stratum.labelled += Number(row.outcome !== undefined)
    strata.set(key, stratum)
  }
}

/** Names a row's two buckets; undefined where a version said nothing. */
function bucketsOf(first: readonly PairedRow[]): (row: PairedRow) => string | undefined {
  const edges = { champion: quantiles(first, 'champion'), challenger: quantiles(first, 'challenger') }
  return ({ champion, challenger }) =>
    champion === undefined || challenger === undefined
      ? undefined
      : `${edges.champion.filter((edge) => champion > edge).length} ${edges.challenger.filter((edge) => challenger > edge).length}`
}

function quantiles(rows: readonly PairedRow[], version: 'champion' | 'challenger'): number[] {
  const scores = Float64Array.from(rows.flatMap((row) => row[version] ?? [])).toSorted()
  return Array.from({ length: bucketCount - 1 }, (_, index) => scores[Math.floor(((index + 1) * scores.length) / bucketCount)] ?? 0)
}
