import { v7 as uuidv7 } from 'uuid'
import { loadProject } from '../platform/project/load-project.ts'
import { runService } from '../platform/service/run-service.ts'
import { createWarehouse } from '../platform/warehouse/warehouse-clickhouse.ts'
import { loadLabelerConfig } from './config.ts'
import { startLabeler } from './start.ts'

await runService({
  name: 'labeler',
  config: loadLabelerConfig,
  async start(context) {
    const { config } = context
    return startLabeler(context, {
      warehouse: createWarehouse({ url: config.CLICKHOUSE_URL, user: config.CLICKHOUSE_USER, password: config.CLICKHOUSE_PASSWORD }),
      loadProject: () => loadProject(config.HINDSIGHT_PROJECT_DIR),
      now: Date.now,
      newId: uuidv7,
    })
  },
})
