import { z } from 'zod'
import { ServiceError } from '../contracts/errors.ts'
import { checkNatsConfig, natsConfigFields, usesNats, type NatsSettings } from '../platform/nats/nats-config.ts'
import { commonConfigFields, loadConfig } from '../platform/service/common-config.ts'

const schema = z.object({ HINDSIGHT_DATA_DIR: commonConfigFields.HINDSIGHT_DATA_DIR, ...natsConfigFields })
export type ForwarderConfig = z.output<typeof schema> & NatsSettings

/** Throws `invalid_config` with every error. */
export function loadForwarderConfig(env: NodeJS.ProcessEnv): ForwarderConfig {
  const config = loadConfig(schema, env)
  if (!usesNats(config)) throw new ServiceError('invalid_config', 'NATS_URL: is needed: there is nothing to forward to')
  checkNatsConfig(config)
  return config as ForwarderConfig
}
