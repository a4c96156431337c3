import { setTimeout as sleep } from 'node:timers/promises'
import { predictBody } from './flights.ts'
import { createPredictClient } from './predict-client.ts'
import { quantile } from './statistics.ts'

export type OpenLoopPart = { sent: number; failed: number; p50Ms: number; p99Ms: number }

/** Predictions at a steady rate, whether or not the ones before are answered. */
export type OpenLoop = {
  /** What was sent since the last call, once all of it is answered. */
  part(): Promise<OpenLoopPart>
  stop(): Promise<void>
}

const bodies = Array.from({ length: 500 }, (_, index) => predictBody(index))
const tickMs = 5

export function startOpenLoop({ url, perSecond }: { url: string; perSecond: number }): OpenLoop {
  const client = createPredictClient(url)
  const began = performance.now()
  let stopped = false
  let sent = 0
  let under = new Set<Promise<void>>()
  let part = emptyPart()

  async function send(into: ReturnType<typeof emptyPart>, dueAt: number): Promise<void> {
    into.sent += 1
    const { status } = await client.send(bodies[sent % bodies.length] as string)
    // Latency counts from when the request was due, so that a client that falls behind does not flatter the server.
    into.latenciesMs.push(performance.now() - dueAt)
    if (status !== 200) into.failed += 1
  }

  async function run(): Promise<void> {
    while (!stopped) {
      for (const due = ((performance.now() - began) / 1000) * perSecond; sent < due; sent += 1) {
        const answer = send(part, began + (sent / perSecond) * 1000)
        const own = under
        own.add(answer)
        void answer.then(() => own.delete(answer))
      }
      await sleep(tickMs)
    }
  }

  const running = run()
  return {
    async part() {
      const [ended, pending] = [part, under]
      part = emptyPart()
      under = new Set()
      await Promise.all(pending)
      const { sent: count, failed, latenciesMs } = ended
      return { sent: count, failed, p50Ms: quantile(latenciesMs, 0.5), p99Ms: quantile(latenciesMs, 0.99) }
    },
    async stop() {
      stopped = true
      await running
      await Promise.all(under)
      client.close()
    },
  }
}

function emptyPart(): { sent: number; failed: number; latenciesMs: number[] } {
  return { sent: 0, failed: 0, latenciesMs: [] }
}
