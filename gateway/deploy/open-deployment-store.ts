import { join } from 'node:path'
import { type NatsConfig, usesNats } from '../../platform/nats/nats-config.ts'
import { openDeploymentFiles } from './deployment-store-file.ts'
import type { DeploymentStore } from './deployment-store.ts'

/** Opens the store that the environment keeps deployments in: NATS with NATS_URL, else the data directory, for all gateways on it. */
export async function openDeploymentStore(
  config: NatsConfig & { HINDSIGHT_DATA_DIR: string },
  onFault: (error: unknown) => void,
): Promise<DeploymentStore> {
  const files = await openDeploymentFiles({ dir: join(config.HINDSIGHT_DATA_DIR, 'deployments'), onFault })
  if (!usesNats(config)) return files
  const { openNatsDeployments } = await import('./deployment-store-nats.ts')
  return openNatsDeployments({ settings: config, files, onFault })
}
