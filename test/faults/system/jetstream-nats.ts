import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { lanes } from '../../../contracts/origin.ts'

export const streamOf = (lane: string) => `hindsight_${lane}`

/** What consumers of the lanes' streams still have before them, as `stream/consumer: n`; a stream that is not there is named too. */
export async function pendingInStreams(port: number): Promise<string[]> {
  return withManager(port, async (manager) => {
    const found = await Promise.all(lanes.map((lane) => pendingIn(manager, streamOf(lane))))
    return found.flat()
  })
}

export async function deleteStream(port: number, stream: string): Promise<void> {
  await withManager(port, (manager) => manager.streams.delete(stream))
}

type Manager = Awaited<ReturnType<typeof jetstreamManager>>

async function pendingIn(manager: Manager, stream: string): Promise<string[]> {
  const pending: string[] = []
  for await (const { name, num_pending, num_ack_pending } of manager.consumers.list(stream)) {
    const left = num_pending + num_ack_pending
    if (left > 0) pending.push(`${stream}/${name}: ${left}`)
  }
  return pending
}

async function withManager<T>(port: number, use: (manager: Manager) => Promise<T>): Promise<T> {
  const nc = await connect({ servers: `127.0.0.1:${port}`, reconnect: false, timeout: 2_000 })
  try {
    return await use(await jetstreamManager(nc, { timeout: 2_000 }))
  } finally {
    await nc.close()
  }
}
