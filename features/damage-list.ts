import type { SeqRange } from './materializer/bronze-records.ts'

type Damage = { writerId: string; epoch: number; fromSeq: number; toSeq?: number }

/** What the log said it cannot read: nobody will ever have it, so nothing waits for it. */
export function createDamageList() {
  const found: Damage[] = []
  return {
    add: (damage: Damage) => void found.push(damage),
    includes: ({ writerId, epoch, fromSeq, toSeq }: SeqRange) =>
      found.some(
        (damage) =>
          damage.writerId === writerId && damage.epoch === epoch && damage.fromSeq <= fromSeq && toSeq <= (damage.toSeq ?? Infinity),
      ),
  }
}
