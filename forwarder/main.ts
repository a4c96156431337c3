import { join } from 'node:path'
import { runService } from '../platform/service/run-service.ts'
import { createFaultLog } from '../platform/service/fault-log.ts'
import { loadForwarderConfig } from './config.ts'
import { startForwarder } from './forwarder-nats.ts'
import { createForwarderMetrics } from './metrics.ts'

await runService({
  name: 'forwarder',
  config: loadForwarderConfig,
  async start({ config, logger, meter, tracing, fail }) {
    const metrics = createForwarderMetrics(meter)
    const forwarder = await startForwarder({
      dir: join(config.HINDSIGHT_DATA_DIR, 'outbox'),
      settings: config,
      traced: tracing !== undefined,
      onPublished: metrics.onPublished,
      onConfirmed: metrics.onConfirmed,
      onDamage: (damage) => logger.error({ damage }, 'records of the outbox cannot be read'),
      onFault: createFaultLog(logger, 'records could not be handed over to NATS'),
    })
    metrics.observe(forwarder.lanes)
    let draining = false
    forwarder.done.catch((error: unknown) => void (draining || fail(error)))
    return {
      async drain() {
        draining = true
        await forwarder.close()
      },
      checks: async () => ({ nats: forwarder.ready() }),
      status: async () => ({ lanes: [...forwarder.lanes].map(([lane, { state }]) => ({ lane, ...state() })) }),
    }
  },
})
