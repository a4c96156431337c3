import { connect, headers } from '@nats-io/transport-node'
import { lanes } from '../../../contracts/origin.ts'

/** Publishes messages that are nobody's record, and confirmations that confirm nothing: they are dropped, and everything goes on. */
export async function publishGarbage(port: number): Promise<void> {
  const nc = await connect({ servers: `127.0.0.1:${port}` })
  try {
    const halfAnOrigin = headers()
    halfAnOrigin.set('Hindsight-Writer', 'nobody')
    halfAnOrigin.set('Hindsight-Seq', '-1')
    for (const lane of lanes) {
      nc.publish(`hindsight.events.${lane}`, 'garbage')
      nc.publish(`hindsight.events.${lane}`, '{}', { headers: halfAnOrigin })
    }
    for (const text of ['garbage', '{"schema_version":1,"ranges":7}', '{"schema_version":9,"ranges":[]}'])
      nc.publish('hindsight.confirm', text)
    await nc.flush()
  } finally {
    await nc.close()
  }
}
