import type { BinarySample } from './sample.ts'

/** The rows of one score: their places in the sample's order, and what those of each class weigh. */
export type TiedBlock = { score: number; start: number; end: number; positives: number; negatives: number }

/** The rows of each distinct score, by score ascending. The same object is given each time. */
export function* tiedBlocks({ scores, outcomes, weights, order, n }: BinarySample): Generator<TiedBlock> {
  const block: TiedBlock = { score: 0, start: 0, end: 0, positives: 0, negatives: 0 }
  while (block.end < n) {
    block.start = block.end
    block.score = scores[order[block.start]!]!
    block.positives = 0
    block.negatives = 0
    do {
      const row = order[block.end]!
      if (outcomes[row] === 1) block.positives += weights[row]!
      else block.negatives += weights[row]!
      block.end += 1
    } while (block.end < n && scores[order[block.end]!] === block.score)
    yield block
  }
}
