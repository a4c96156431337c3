/** Draws numbers from one seed: equal seeds draw equal numbers. */
export type Random = {
  /** A number in [0, 1). */
  uniform(): number
  /** A number of the standard normal distribution. */
  normal(): number
}

/** Sfc32 by Chris Doty-Humphrey, public domain, with Marsaglia's polar method for normal numbers. */
export function createRandom(seed: number): Random {
  let [a, b, c, counter] = [0x9e3779b9 ^ seed, 0x243f6a88, Math.imul(seed, 0x85ebca6b) | 0, 1]
  let spare: number | undefined
  for (let round = 0; round < 15; round++) next()
  return { uniform: next, normal }

  function next(): number {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }

  function normal(): number {
    if (spare !== undefined) {
      const drawn = spare
      spare = undefined
      return drawn
    }
    for (;;) {
      const x = 2 * next() - 1
      const y = 2 * next() - 1
      const square = x * x + y * y
      if (square >= 1 || square === 0) continue
      const factor = Math.sqrt((-2 * Math.log(square)) / square)
      spare = y * factor
      return x * factor
    }
  }
}
