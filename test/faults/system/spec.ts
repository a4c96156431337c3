/** The set-ups. `embedded`: the outbox itself is the event log, LMDB the online store. `servers`: NATS JetStream and Redis of the harness's own. */
export const setUps = ['embedded', 'servers'] as const
export type SetUp = (typeof setUps)[number]

export const serviceIds = ['warehouse', 'gateway', 'forwarder', 'logger', 'logger-2', 'features'] as const
export type ServiceId = (typeof serviceIds)[number]

/** The links on which a proxy of the harness can stand. */
export type LinkName =
  | 'client-gateway'
  | 'logger-warehouse'
  | 'features-warehouse'
  | 'gateway-warehouse'
  | 'gateway-redis'
  | 'features-redis'
  | 'forwarder-nats'
  | 'logger-nats'
  | 'features-nats'
  | 'gateway-nats'

/** A part of the data that gets a file system of its own. `ext4` can lose power, `tmpfs` can be full. */
export type VolumeSpec = { of: 'outbox' | 'warehouse' | 'nats' | 'data'; kind: 'ext4' | 'tmpfs'; megabytes: number }

/** The parts of a system that a fault needs. */
export type SystemSpec = {
  links?: readonly LinkName[]
  /** Whether loggers see the warehouse through a proxy that speaks HTTP. */
  warehouseProxy?: boolean
  volume?: VolumeSpec
  loggers?: 1 | 2
  env?: Partial<Record<ServiceId | 'all', Record<string, string>>>
  /** The services' entries that are not the product's own. */
  entries?: Partial<Record<ServiceId, string>>
  preload?: Partial<Record<ServiceId, string>>
}
