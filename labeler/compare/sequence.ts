import type { Block } from './blocks.ts'
import { clusterOf } from './blocks.ts'
import { blockInterval, clusterInterval, etaFactor } from './gates.ts'
import { hullOf, type Interval } from './interval.ts'
import { addGroup, clusteredVariance, createMoments, meanOf, type Moments, replaceGroup } from './moments.ts'
import type { PairedRow } from './paired-row.ts'

/** The sums of one role's clusters. */
export type RoleSums = {
  role: string
  clusters: Moments
  /** The sums of each cluster in each block. */
  cells: Moments
  /** Gate 2's mixing variance, from the first block with any variance; 0 before it. */
  eta: number
}

/** What a confidence sequence is computed from: the sums of a value per row by block and by cluster. */
export type Sequence = {
  blocks: Moments
  blockSums: Sums[]
  roles: RoleSums[]
}

export type Sums = { sum: number; rows: number }

/** The value of a row, or undefined where it has none, and its weight. */
export type RowValue = { of(row: PairedRow): number | undefined; weight?(row: PairedRow): number }

/** The role of decisions that are clusters of their own. */
const decisions = 'decision'

export function toSequence(blocks: readonly Pick<Block, 'rows'>[], roles: readonly string[], value: RowValue): Sequence {
  const sequence: Sequence = { blocks: createMoments(), blockSums: [], roles: [] }
  const sinks = (roles.length === 0 ? [decisions] : roles).map((role) => createRoleSink(role))
  sequence.roles = sinks.map(({ sums }) => sums)
  for (const { rows } of blocks) {
    const total: Sums = { sum: 0, rows: 0 }
    for (const row of rows) {
      const of = value.of(row)
      if (of === undefined) continue
      const weight = value.weight?.(row) ?? 1
      addTo(total, weight * of, weight)
      for (const sink of sinks) sink.add(row, weight * of, weight)
    }
    if (total.rows === 0) continue
    addGroup(sequence.blocks, total.sum, total.rows)
    sequence.blockSums.push(total)
    for (const sink of sinks) sink.endBlock()
  }
  return sequence
}

/** The confidence sequence: the hull of gate 1 and of gate 2 for each role. */
export function sequenceInterval({ blocks, roles }: Sequence, level: number): Interval {
  return hullOf([blockInterval(blocks, level), ...roles.map(({ clusters, eta }) => clusterInterval(clusters, { eta, level }))])
}

/** The correlation of successive blocks' sums about the mean; undefined for fewer than three blocks, or without variance. */
export function blockCorrelation({ blocks, blockSums }: Sequence): number | undefined {
  if (blockSums.length < 3) return undefined
  const mean = meanOf(blocks)
  const errors = blockSums.map(({ sum, rows }) => sum - mean * rows)
  const squares = errors.reduce((total, error) => total + error ** 2, 0)
  const products = errors.slice(1).reduce((total, error, index) => total + error * errors[index]!, 0)
  return squares > 0 ? products / squares : undefined
}

function createRoleSink(role: string) {
  const sums: RoleSums = { role, clusters: createMoments(), cells: createMoments(), eta: 0 }
  const totals = new Map<string, Sums>()
  let inBlock = new Map<string, Sums>()
  return {
    sums,
    add(row: PairedRow, sum: number, rows: number): void {
      const cluster = clusterOf(row, role)
      const cell = inBlock.get(cluster)
      if (cell === undefined) inBlock.set(cluster, { sum, rows })
      else addTo(cell, sum, rows)
    },
    endBlock(): void {
      for (const [cluster, cell] of inBlock) {
        addGroup(sums.cells, cell.sum, cell.rows)
        addCell(sums.clusters, totals, cluster, cell)
      }
      inBlock = new Map()
      if (sums.eta === 0) sums.eta = etaFactor * (clusteredVariance(sums.clusters) || 0)
    },
  }
}

function addCell(clusters: Moments, totals: Map<string, Sums>, cluster: string, cell: Sums): void {
  const total = totals.get(cluster)
  if (total === undefined) {
    totals.set(cluster, { ...cell })
    addGroup(clusters, cell.sum, cell.rows)
    return
  }
  const before = { ...total }
  addTo(total, cell.sum, cell.rows)
  replaceGroup(clusters, before, total)
}

function addTo(sums: Sums, sum: number, rows: number): void {
  sums.sum += sum
  sums.rows += rows
}
