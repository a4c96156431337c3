import { hash } from 'node:crypto'

/** A version and the part of requests that it answers. */
export type Share = { version: string; weight: number }

/**
 * The challenger that answers for this key, or undefined: the champion does, with what the weights leave. The same for
 * the same key for as long as the weights are, in any process. A weight that rises, with the champion's falling, takes
 * nothing from that challenger and gives nothing to the champion. By weighted rendezvous hashing (Schindelhauer and
 * Schomaker 2005): each version draws an exponential time, at the rate of its weight, and the first one answers.
 */
export function chooseChallenger<T extends Share>(options: { model: string; key: string; challengers: readonly T[] }): T | undefined {
  const { model, key, challengers } = options
  const rest = 1 - challengers.reduce((sum, { weight }) => sum + weight, 0)
  // The champion draws under no name, so that the challengers keep their keys when another version takes its place.
  let soonest = draw([model, '', key]) / Math.max(0, rest)
  let chosen: T | undefined
  for (const challenger of challengers) {
    const time = draw([model, challenger.version, key]) / challenger.weight
    if (time >= soonest) continue
    soonest = time
    chosen = challenger
  }
  return chosen
}

/** Exponentially distributed with mean 1 over all texts. */
function draw(texts: readonly string[]): number {
  const digits = hash('sha256', texts.join('\n'), 'hex').slice(0, 13)
  return -Math.log((Number.parseInt(digits, 16) + 0.5) / 2 ** 52)
}
