import { blockInterval, mixtureInterval } from './gates.ts'
import { hullOf, type Interval } from './interval.ts'
import { clusteredVariance, meanOf, type Moments, residualSquares } from './moments.ts'
import type { Sequence } from './sequence.ts'

/** Nothing is foretold beyond so many blocks. */
const mostBlocks = 1000

/** The fewest blocks in all, from `fewest` on, after which `decides` holds, if the mean and the variances stay; undefined: not foreseeable. */
export function blocksUntil(
  sequence: Sequence,
  { level, fewest, decides }: { level: number; fewest: number; decides: (interval: Interval) => boolean },
): number | undefined {
  const { groups } = sequence.blocks
  if (groups < 2) return undefined
  for (let blocks = Math.max(groups + 1, fewest); blocks <= mostBlocks; blocks++)
    if (decides(foretold(sequence, blocks / groups, level))) return blocks
  return undefined
}

/** The confidence sequence after `times` as many blocks like those of today. */
function foretold(sequence: Sequence, times: number, level: number): Interval {
  const mean = meanOf(sequence.blocks)
  const rows = sequence.blocks.rows * times
  const ofRoles = sequence.roles.map(({ clusters, cells, eta }) => {
    // What a cluster repeats from block to block grows with the square of the time, what is new in each block with the time.
    const all = clusteredVariance(clusters)
    const fresh = Math.min(all, (residualSquares(cells, mean) * clusters.groups) / (clusters.groups - 1))
    return mixtureInterval({ mean, rows, variance: fresh * times + (all - fresh) * times ** 2, eta, level })
  })
  return hullOf([blockInterval(scaled(sequence.blocks, times), level), ...ofRoles])
}

function scaled(moments: Moments, times: number): Moments {
  const { groups, rows, sum, sumSquares, products, rowSquares } = moments
  return {
    groups: Math.round(groups * times),
    rows: rows * times,
    sum: sum * times,
    sumSquares: sumSquares * times,
    products: products * times,
    rowSquares: rowSquares * times,
  }
}
