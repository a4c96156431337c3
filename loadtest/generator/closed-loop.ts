import type { Client } from './client.ts'
import { countAnswer, createTally, type Tally } from './tally.ts'

/** As many clients that each wait for an answer before they ask again; counts what is answered within the time. */
export async function runClosedLoop(client: Client, { clients, seconds }: { clients: number; seconds: number }): Promise<Tally> {
  const tally = createTally()
  const endAt = performance.now() + seconds * 1000
  const ask = (onEnd: () => void) => {
    const sentAt = performance.now()
    if (sentAt >= endAt) return onEnd()
    client.send((answer) => {
      const now = performance.now()
      if (now < endAt) {
        tally.sent += 1
        countAnswer(tally, answer, now - sentAt)
      }
      ask(onEnd)
    })
  }
  await Promise.all(Array.from({ length: clients }, () => new Promise<void>(ask)))
  return tally
}
