import { join } from 'node:path'
import type { ServiceId, SystemSpec } from './spec.ts'

export type Addresses = {
  dir: string
  projectDir: string
  gatewayPort: number
  warehousePort: number
  /** The port as the service sees it: that of a proxy where the fault asked for one. */
  portOf(service: ServiceId, target: 'warehouse' | 'nats' | 'redis'): number | undefined
}

/** The embedded warehouse's password, which is stated because each service may have a data directory of its own. */
export const warehousePassword = 'faults'

/** Timings that are short against the seconds of a round, so that many rounds are affordable; what they bound stays the same. */
const quickTimings = {
  HINDSIGHT_LOGGER_MAX_WAIT_MS: '100',
  HINDSIGHT_FEATURES_GAP_PATIENCE_MS: '10000',
  NATS_ACK_WAIT_MS: '2000',
  NATS_DUPLICATE_WINDOW_MS: '3000',
  // The streams are small, for what they may take is set aside on the disk at once, and some of the disks are small.
  NATS_STREAM_MAX_BYTES: String(32 * 1024 ** 2),
}

/** The data directory of a service. With servers, loggers and features have another than the gateway: all that they share is the servers. */
export function dataDirOf(service: ServiceId, { dir, portOf }: Pick<Addresses, 'dir' | 'portOf'>): string {
  const isApart = portOf(service, 'nats') !== undefined && ['logger', 'logger-2', 'features'].includes(service)
  return join(dir, isApart ? service : 'data')
}

/** The environment of a service, without anything of the harness's own that would point it elsewhere. */
export function serviceEnv(service: ServiceId, spec: SystemSpec, addresses: Addresses): NodeJS.ProcessEnv {
  const { dir, projectDir, gatewayPort, warehousePort, portOf } = addresses
  const [nats, redis] = [portOf(service, 'nats'), portOf(service, 'redis')]
  return {
    ...inherited(),
    ...quickTimings,
    HINDSIGHT_PROJECT_DIR: projectDir,
    HINDSIGHT_DATA_DIR: dataDirOf(service, addresses),
    HINDSIGHT_PORT: String(gatewayPort),
    HINDSIGHT_WAREHOUSE_PORT: String(warehousePort),
    HINDSIGHT_WAREHOUSE_READ_ONLY_PORT: '0',
    HINDSIGHT_FAILPOINTS: join(dir, 'failpoints'),
    CLICKHOUSE_URL: `http://127.0.0.1:${portOf(service, 'warehouse')}`,
    CLICKHOUSE_PASSWORD: warehousePassword,
    ...(nats !== undefined && { NATS_URL: `nats://127.0.0.1:${nats}` }),
    ...(redis !== undefined && { REDIS_URL: `redis://127.0.0.1:${redis}` }),
    ...(service === 'warehouse' && { UV_THREADPOOL_SIZE: '32' }),
    ...spec.env?.all,
    ...spec.env?.[service],
  }
}

function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HINDSIGHT|NATS|REDIS|CLICKHOUSE|OTEL|VITEST)_/.test(name)))
}
