import type { Lane } from './origin.ts'

/** The durable consumers of each lane when Hindsight runs embedded: a segment is freed when all of its lane's have passed it. */
export const embeddedConsumers = {
  predictions: ['logger'],
  labels: ['logger'],
  feature_events: ['logger', 'features'],
  batch_predictions: ['logger'],
} as const satisfies Record<Lane, readonly string[]>

/** With a broker the forwarder is the one consumer of every lane: it confirms what a logger has stored. */
export const brokerConsumers = {
  predictions: ['forwarder'],
  labels: ['forwarder'],
  feature_events: ['forwarder'],
  batch_predictions: ['forwarder'],
} as const satisfies Record<Lane, readonly string[]>

/** Every consumer that a lane has, embedded or with a broker. */
export const allConsumers = ['logger', 'features', 'forwarder'] as const
