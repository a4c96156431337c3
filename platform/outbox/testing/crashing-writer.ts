import { writeSync } from 'node:fs'
import { openOutboxWriter } from '../write/outbox-writer.ts'
import { errnoOf } from '../format/segment-names.ts'
import { embeddedConsumers } from '../../../contracts/lane-consumers.ts'

/**
 * A process for the crash test: appends at full rate until it is killed and says on stdout, after each answer, which
 * records were acknowledged, as `lane first last`.
 */
async function appendForEver(dir: string, segmentBytes: number): Promise<void> {
  const writer = await openOutboxWriter({ dir, writerId: 'w1', consumersOf: embeddedConsumers, segmentBytes })
  say(`epoch ${writer.epoch}\n`)
  const appendAlong = async (lane: 'predictions' | 'labels', clients: number) => {
    for (;;) {
      const records = Array.from({ length: 1 + (clients % 3) }, (_, part) => ({
        kind: 'event' as const,
        id: `${lane}-${clients}-${part}`,
        payload: `{"client":${clients},"text":"${'x'.repeat((clients * 37) % 900)}"}`,
      }))
      const origins = await writer.append(lane, records)
      say(`${lane} ${origins[0]?.seq} ${origins.at(-1)?.seq}\n`)
    }
  }
  const clients = Array.from({ length: 24 }, (_, client) => appendAlong(client % 3 === 0 ? 'labels' : 'predictions', client))
  await Promise.all(clients)
}

/** The pipe does not block: a reader that falls behind lets it fill up, and the line waits for room. */
function say(line: string): void {
  for (;;) {
    try {
      writeSync(1, line)
      return
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}

await appendForEver(process.argv[2] ?? '', Number(process.argv[3]))
