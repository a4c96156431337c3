import { lanes } from '../../../contracts/origin.ts'
import { loadLoggerConfig } from '../../../logger/config.ts'
import { startLogger } from '../../../logger/logger-service.ts'
import type { EventLogConsumer } from '../../../platform/event-log/event-log.ts'
import { openEventLogConsumer } from '../../../platform/event-log/open-event-log.ts'
import { runService } from '../../../platform/service/run-service.ts'
import type { Warehouse } from '../../../platform/warehouse/warehouse.ts'
import { createWarehouse } from '../../../platform/warehouse/warehouse-clickhouse.ts'

export type Breakage = {
  consumer?: (consumer: EventLogConsumer) => EventLogConsumer
  warehouse?: (warehouse: Warehouse) => Warehouse
}

/** The logger as `logger/main.ts` starts it, but with one of its two ends replaced. */
export async function startBrokenLogger(breakage: Breakage): Promise<void> {
  const { consumer: breakConsumer = unchanged, warehouse: breakWarehouse = unchanged } = breakage
  await runService({
    name: 'logger',
    config: loadLoggerConfig,
    async start(context) {
      const onFault = (error: unknown) => context.logger.error({ err: error }, 'the event log could not be read or confirmed')
      const consumer = await openEventLogConsumer(context.config, { name: 'logger', lanes, onFault })
      const warehouse = createWarehouse({ url: context.config.CLICKHOUSE_URL, password: context.config.CLICKHOUSE_PASSWORD })
      return startLogger(context, { consumer: breakConsumer(consumer), warehouse: breakWarehouse(warehouse) })
    },
  })
}

function unchanged<T>(value: T): T {
  return value
}
