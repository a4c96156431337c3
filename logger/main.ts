import { lanes } from '../contracts/origin.ts'
import { openEventLogConsumer } from '../platform/event-log/open-event-log.ts'
import { createFaultLog } from '../platform/service/fault-log.ts'
import { runService } from '../platform/service/run-service.ts'
import { createWarehouse } from '../platform/warehouse/warehouse-clickhouse.ts'
import { loadLoggerConfig } from './config.ts'
import { startLogger } from './logger-service.ts'

await runService({
  name: 'logger',
  config: loadLoggerConfig,
  async start(context) {
    const { CLICKHOUSE_URL, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD } = context.config
    const consumer = await openEventLogConsumer(context.config, {
      name: 'logger',
      lanes,
      onFault: createFaultLog(context.logger, 'the event log could not be read or confirmed'),
    })
    const warehouse = createWarehouse({
      url: CLICKHOUSE_URL,
      ...(CLICKHOUSE_USER !== undefined && { user: CLICKHOUSE_USER }),
      ...(CLICKHOUSE_PASSWORD !== undefined && { password: CLICKHOUSE_PASSWORD }),
    })
    return startLogger(context, { consumer, warehouse })
  },
})
