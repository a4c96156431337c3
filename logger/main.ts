import { join } from 'node:path'
import { lanes } from '../contracts/origin.ts'
import { openOutboxConsumer } from '../platform/event-log/event-log-outbox.ts'
import { runService } from '../platform/service/run-service.ts'
import { createWarehouse } from '../platform/warehouse/warehouse-clickhouse.ts'
import { loadLoggerConfig } from './config.ts'
import { startLogger } from './logger-service.ts'

await runService({
  name: 'logger',
  config: loadLoggerConfig,
  async start(context) {
    const { HINDSIGHT_DATA_DIR, CLICKHOUSE_URL, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD } = context.config
    const consumer = await openOutboxConsumer({ dir: join(HINDSIGHT_DATA_DIR, 'outbox'), name: 'logger', lanes: [...lanes] })
    const warehouse = createWarehouse({
      url: CLICKHOUSE_URL,
      ...(CLICKHOUSE_USER !== undefined && { user: CLICKHOUSE_USER }),
      ...(CLICKHOUSE_PASSWORD !== undefined && { password: CLICKHOUSE_PASSWORD }),
    })
    return startLogger(context, { consumer, warehouse })
  },
})
