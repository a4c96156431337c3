/** Which records of a lane's epoch await their fate: what a client was told of them. */
export type Settlement = {
  /** In the order of their seq. */
  open(seq: number): void
  settle(seq: number): void
  /** Up to where nothing awaits its fate, of a lane that ends with `lastSeq`. */
  through(lastSeq: number): number
}

export function createSettlement(): Settlement {
  // In the order of insertion, so that the first is the lowest.
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
