import type { Client } from './client.ts'
import { countAnswer, createTally, type Tally } from './tally.ts'

/** Runs as many clients that each wait for an answer before they ask again. `seconds` is the time until the last answer, a little longer than asked for. */
export async function runClosedLoop(
  client: Client,
  { clients, seconds }: { clients: number; seconds: number },
): Promise<{ tally: Tally; seconds: number }> {
  const tally = createTally()
  const beganAt = performance.now()
  const endAt = beganAt + seconds * 1000
  const ask = (onEnd: () => void) => {
    const sentAt = performance.now()
    if (sentAt >= endAt) return onEnd()
    tally.sent += 1
    client.send((answer) => {
      countAnswer(tally, answer, performance.now() - sentAt)
      ask(onEnd)
    })
  }
  await Promise.all(Array.from({ length: clients }, () => new Promise<void>(ask)))
  return { tally, seconds: (performance.now() - beganAt) / 1000 }
}
