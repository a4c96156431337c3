/** Numbers that a seed repeats: sfc32 (Doty-Humphrey's small fast counter), and normal ones by Box and Muller. */
export function createRandom(seed: number): { uniform(): number; normal(): number } {
  let [a, b, c, counter] = [seed | 0, 0x9e_37_79_b9 | 0, 0x24_3f_6a_88, 1]
  function next(): number {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  for (let round = 0; round < 15; round++) next()
  const uniform = () => (next() + 0.5) / 2 ** 32
  let spare: number | undefined
  return {
    uniform,
    normal() {
      if (spare !== undefined) {
        const kept = spare
        spare = undefined
        return kept
      }
      const radius = Math.sqrt(-2 * Math.log(uniform()))
      const angle = 2 * Math.PI * uniform()
      spare = radius * Math.sin(angle)
      return radius * Math.cos(angle)
    },
  }
}
