import type { SeqRange } from './materializer/bronze-records.ts'

type Damage = { writerId: string; epoch: number; fromSeq: number; toSeq?: number }

/** The records that the log reported as unreadable: nobody will ever have them, so nothing waits for them. */
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
