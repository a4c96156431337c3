import type { Client } from './client.ts'
import { countAnswer, createTally, type Tally } from './tally.ts'

/** Requests at a steady rate, whether or not the ones before are answered. */
export type OpenLoop = {
  /** The tally of what was sent since the last call, once all of it is answered. */
  part(): Promise<Tally>
  stop(): void
}

/** The shortest time that a timer of Node.js waits. */
const tickMs = 1

/** Starts sending at a rate. Latencies count from when a request was due, so that a generator or a server that falls behind does not flatter itself. */
export function startOpenLoop(client: Client, perSecond: number): OpenLoop {
  const began = performance.now()
  let sent = 0
  let part = createPart()
  let timer: NodeJS.Timeout

  function sendDue(): void {
    const now = performance.now()
    for (const due = ((now - began) / 1000) * perSecond; sent < due; sent += 1) part.send(client, began + (sent / perSecond) * 1000)
    timer = setTimeout(sendDue, tickMs)
  }

  sendDue()
  return {
    part() {
      const ended = part
      part = createPart()
      return ended.whenAnswered()
    },
    stop: () => clearTimeout(timer),
  }
}

function createPart() {
  const tally = createTally()
  let pending = 0
  let allAnswered: (() => void) | undefined
  return {
    send(client: Client, dueAt: number): void {
      pending += 1
      tally.sent += 1
      tally.delaysMs.push(performance.now() - dueAt)
      client.send((answer) => {
        countAnswer(tally, answer, performance.now() - dueAt)
        pending -= 1
        if (pending === 0) allAnswered?.()
      })
    },
    async whenAnswered(): Promise<Tally> {
      if (pending > 0) await new Promise<void>((resolve) => (allAnswered = resolve))
      return tally
    },
  }
}
