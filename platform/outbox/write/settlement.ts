/** Which records of a lane's epoch await their fate: what a client was told of them. */
export type Settlement = {
  /** Adds a record that awaits its fate, in the order of their seq. */
  open(seq: number): void
  settle(seq: number): void
  /** The seq up to which nothing awaits its fate, in a lane that ends with `lastSeq`. */
  through(lastSeq: number): number
}

export function createSettlement(): Settlement {
  // A set keeps the order of insertion, so that its first seq is the lowest.
  const open = new Set<number>()
  let lowest: number | undefined
  return {
    open(seq) {
      open.add(seq)
      lowest ??= seq
    },
    settle(seq) {
      if (!open.delete(seq) || seq !== lowest) return
      lowest = open.values().next().value
    },
    through: (lastSeq) => (lowest === undefined ? lastSeq : Math.min(lowest - 1, lastSeq)),
  }
}
