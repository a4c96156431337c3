import { openEventLogConsumer } from '../platform/event-log/open-event-log.ts'
import { openOnlineStore } from '../platform/online-store/open-online-store.ts'
import { loadProject } from '../platform/project/load-project.ts'
import { createFaultLog } from '../platform/service/fault-log.ts'
import { runService } from '../platform/service/run-service.ts'
import { createWarehouse } from '../platform/warehouse/warehouse-clickhouse.ts'
import { compileProjectGrids } from './compile-project.ts'
import { loadFeaturesConfig } from './config.ts'
import { createDamageList } from './damage-list.ts'
import { startFeatures } from './features-service.ts'

await runService({
  name: 'features',
  config: loadFeaturesConfig,
  async start(context) {
    const { HINDSIGHT_PROJECT_DIR, CLICKHOUSE_URL, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD } = context.config
    const grids = compileProjectGrids(await loadProject(HINDSIGHT_PROJECT_DIR))
    const store = await openOnlineStore(context.config, {
      as: 'writer',
      onFault: (error) => context.logger.error({ err: error }, 'the online store cannot be reached'),
    })
    const warehouse = createWarehouse({ url: CLICKHOUSE_URL, user: CLICKHOUSE_USER, password: CLICKHOUSE_PASSWORD })
    const damage = createDamageList()
    const consumer = await openEventLogConsumer(context.config, {
      name: 'features',
      lanes: ['feature_events'],
      onDamage(found) {
        damage.add(found)
        context.logger.error({ damage: found }, 'records of the log cannot be read')
      },
      onFault: createFaultLog(context.logger, 'the event log could not be read'),
    })
    return await startFeatures(context, { consumer, store, warehouse, grids, isDamaged: damage.includes, now: Date.now })
  },
})
