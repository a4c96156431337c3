import { join } from 'node:path'
import { openOutboxWriter } from '../platform/outbox/write/outbox-writer.ts'
import { openOnlineStore } from '../platform/online-store/open-online-store.ts'
import { createFaultLog } from '../platform/service/fault-log.ts'
import { requireKeyBeyondLoopback } from '../platform/service/common-config.ts'
import { runService, type ServiceDefinition } from '../platform/service/run-service.ts'
import { createWarehouse } from '../platform/warehouse/warehouse-clickhouse.ts'
import { keyFilePath } from './access/key-file.ts'
import { openKeyRing } from './access/key-ring.ts'
import { type GatewayConfig, loadGatewayConfig } from './config.ts'
import { openDeploymentStore } from './deploy/open-deployment-store.ts'
import { readSeenProject } from './deploy/watch-project.ts'
import { openIdempotencyStore } from './idempotency/open-idempotency-store.ts'
import { readCommittedKeys } from './idempotency/recover-keys.ts'
import { createOnnxInference } from './inference/inference-onnxruntime.ts'
import { startGateway } from './start.ts'
import { isParentOfWorkers, startWorkers } from './workers/start-workers.ts'
import { outliveParent } from './workers/worker.ts'
import { allConsumers, brokerConsumers, embeddedConsumers } from '../contracts/lane-consumers.ts'

const gateway: ServiceDefinition<GatewayConfig> = {
  name: 'gateway',
  config: loadGatewayConfig,
  instance: (config) => config.HINDSIGHT_WRITER_ID,
  async start(context) {
    const { config, logger } = context
    const dataDir = config.HINDSIGHT_DATA_DIR
    const ring = await openKeyRing({
      path: keyFilePath(config),
      onFault: (error) => logger.error({ err: error }, 'the file of API keys could not be read; keys stay as they were read last'),
    })
    requireKeyBeyondLoopback({ ...config, hasKeys: ring.used })
    const outbox = { dir: join(dataDir, 'outbox'), writerId: config.HINDSIGHT_WRITER_ID }
    const eventLog = await openOutboxWriter({
      ...outbox,
      consumersOf: config.NATS_URL === undefined ? embeddedConsumers : brokerConsumers,
      formerConsumers: allConsumers,
      maxLaneBytes: config.HINDSIGHT_OUTBOX_MAX_BYTES,
      maxLaneAgeMs: config.HINDSIGHT_OUTBOX_MAX_AGE_MS,
      onFault: (error) => logger.error({ err: error }, 'the outbox could not be written'),
    })
    return startGateway(context, {
      ring,
      eventLog,
      committedKeys: await readCommittedKeys({ ...outbox, epoch: eventLog.epoch }),
      deployments: await openDeploymentStore(config, createFaultLog(logger, 'revisions of deployments could not be read')),
      keys: await openIdempotencyStore(config, (error) => logger.error({ err: error }, 'the store of idempotency keys cannot be reached')),
      seenProject: await readSeenProject(config.HINDSIGHT_PROJECT_DIR),
      store: await openOnlineStore(config, {
        as: 'reader',
        onFault: (error) => logger.error({ err: error }, 'the online store cannot be reached'),
      }),
      warehouse: createWarehouse({ url: config.CLICKHOUSE_URL, user: config.CLICKHOUSE_USER, password: config.CLICKHOUSE_PASSWORD }),
      inference: createOnnxInference({
        logger,
        threads: config.HINDSIGHT_INFERENCE_THREADS,
        maxQueuedRows: config.HINDSIGHT_MAX_QUEUED_ROWS,
      }),
    })
  },
}

const parent: ServiceDefinition<GatewayConfig> = {
  ...gateway,
  instance: (config) => `${config.HINDSIGHT_WRITER_ID}.workers`,
  start: startWorkers,
}

outliveParent()
await runService(isParentOfWorkers(process.env) ? parent : gateway)
