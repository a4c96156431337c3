import { join } from 'node:path'
import { openOutboxConsumer } from '../platform/event-log/event-log-outbox.ts'
import { openOnlineStore } from '../platform/online-store/open-online-store.ts'
import { loadProject } from '../platform/project/load-project.ts'
import { runService } from '../platform/service/run-service.ts'
import { createWarehouse } from '../platform/warehouse/warehouse-clickhouse.ts'
import { compileProjectViews } from './compile-project.ts'
import { loadFeaturesConfig } from './config.ts'
import { createDamageList } from './damage-list.ts'
import { startFeatures } from './features-service.ts'

await runService({
  name: 'features',
  config: loadFeaturesConfig,
  async start(context) {
    const { HINDSIGHT_DATA_DIR, HINDSIGHT_PROJECT_DIR, CLICKHOUSE_URL, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD } = context.config
    const views = compileProjectViews(await loadProject(HINDSIGHT_PROJECT_DIR))
    const store = await openOnlineStore(context.config, {
      as: 'writer',
      onFault: (error) => context.logger.error({ err: error }, 'online store'),
    })
    const warehouse = createWarehouse({ url: CLICKHOUSE_URL, user: CLICKHOUSE_USER, password: CLICKHOUSE_PASSWORD })
    const damage = createDamageList()
    const consumer = await openOutboxConsumer({
      dir: join(HINDSIGHT_DATA_DIR, 'outbox'),
      name: 'features',
      lanes: ['feature_events'],
      onDamage(found) {
        damage.add(found)
        context.logger.error({ damage: found }, 'records of the log cannot be read')
      },
    })
    return await startFeatures(context, { consumer, store, warehouse, views, isDamaged: damage.includes, now: Date.now })
  },
})
