/** The source of all randomness in a run, drawn from one seed. */
export type Random = {
  /** A number in [0, 1). */
  next(): number
  /** A whole number, both ends included. */
  int(min: number, max: number): number
  pick<T>(from: readonly T[]): T
}

/** Draws the same numbers for equal seed and stream, so that a round can be run again without those before it. */
export function createRandom(seed: number, stream: string): Random {
  let state = hash(`${seed}/${stream}`)
  // mulberry32, public domain, by Tommy Ettinger.
  function next(): number {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (min: number, max: number) => min + Math.floor(next() * (max - min + 1))
  return {
    next,
    int,
    pick<T>(from: readonly T[]): T {
      const chosen = from[int(0, from.length - 1)]
      if (chosen === undefined) throw new Error('nothing to pick from')
      return chosen
    },
  }
}

/** The hash FNV-1a in 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193)
  return value
}
