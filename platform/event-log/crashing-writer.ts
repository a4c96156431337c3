import { writeSync } from 'node:fs'
import { embeddedConsumers, openOutboxWriter } from './event-log-outbox.ts'

/**
 * A process for the crash test: appends at full rate until it is killed and says on stdout, after each answer, which
 * records were acknowledged, as `lane first last`.
 */
async function appendForEver(dir: string, segmentBytes: number): Promise<void> {
  const writer = await openOutboxWriter({ dir, writerId: 'w1', consumersOf: embeddedConsumers, segmentBytes })
  writeSync(1, `epoch ${writer.epoch}\n`)
  const appendAlong = async (lane: 'predictions' | 'labels', clients: number) => {
    for (;;) {
      const records = Array.from({ length: 1 + (clients % 3) }, (_, part) => ({
        kind: 'event' as const,
        id: `${lane}-${clients}-${part}`,
        payload: `{"client":${clients},"text":"${'x'.repeat((clients * 37) % 900)}"}`,
      }))
      const origins = await writer.append(lane, records)
      writeSync(1, `${lane} ${origins[0]?.seq} ${origins.at(-1)?.seq}\n`)
    }
  }
  const clients = Array.from({ length: 24 }, (_, client) => appendAlong(client % 3 === 0 ? 'labels' : 'predictions', client))
  await Promise.all(clients)
}

await appendForEver(process.argv[2] ?? '', Number(process.argv[3]))
