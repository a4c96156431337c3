import { join } from 'node:path'
import { brokerConsumers, embeddedConsumers, openOutboxWriter } from '../platform/event-log/event-log-outbox.ts'
import { openOnlineStore } from '../platform/online-store/open-online-store.ts'
import { loadProject } from '../platform/project/load-project.ts'
import { requireKeyBeyondLoopback } from '../platform/service/common-config.ts'
import { runService } from '../platform/service/run-service.ts'
import { createWarehouse } from '../platform/warehouse/warehouse-clickhouse.ts'
import { keyFilePath } from './access/key-file.ts'
import { openKeyRing } from './access/key-ring.ts'
import { loadGatewayConfig } from './config.ts'
import { createOnnxInference } from './inference/inference-onnxruntime.ts'
import { startGateway } from './start.ts'

await runService({
  name: 'gateway',
  config: loadGatewayConfig,
  instance: (config) => config.HINDSIGHT_WRITER_ID,
  async start(context) {
    const { config, logger } = context
    const dataDir = config.HINDSIGHT_DATA_DIR
    const ring = await openKeyRing({ path: keyFilePath(config), onFault: (error) => logger.error({ err: error }, 'API keys') })
    requireKeyBeyondLoopback({ ...config, hasKeys: ring.used })
    return startGateway(context, {
      ring,
      project: await loadProject(config.HINDSIGHT_PROJECT_DIR),
      eventLog: await openOutboxWriter({
        dir: join(dataDir, 'outbox'),
        writerId: config.HINDSIGHT_WRITER_ID,
        consumersOf: config.NATS_URL === undefined ? embeddedConsumers : brokerConsumers,
        maxLaneBytes: config.HINDSIGHT_OUTBOX_MAX_BYTES,
        maxLaneAgeMs: config.HINDSIGHT_OUTBOX_MAX_AGE_MS,
        onFault: (error) => logger.error({ err: error }, 'outbox'),
      }),
      store: await openOnlineStore(config, { as: 'reader', onFault: (error) => logger.error({ err: error }, 'online store') }),
      warehouse: createWarehouse({ url: config.CLICKHOUSE_URL, user: config.CLICKHOUSE_USER, password: config.CLICKHOUSE_PASSWORD }),
      inference: createOnnxInference({
        logger,
        threads: config.HINDSIGHT_INFERENCE_THREADS,
        maxQueuedRows: config.HINDSIGHT_MAX_QUEUED_ROWS,
      }),
    })
  },
})
