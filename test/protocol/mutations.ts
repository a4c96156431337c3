import type { Fault } from './run.ts'
import type { Invariant } from './invariants.ts'
import { designed, type Protocol } from './protocol.ts'

/** A mistake, the faults that bring it out, and a promise that it then breaks. */
export type Mutation = { name: string; change: Partial<Protocol>; under: Fault[]; breaks: Invariant }

export const mutations: readonly Mutation[] = [
  {
    name: 'answers before the commit',
    change: { answerAfter: 'write' },
    under: ['writer crashes'],
    breaks: 'answered is stored or rejected',
  },
  { name: 'forwards what is not durable', change: { readUpTo: 'written' }, under: ['writer crashes'], breaks: 'seals match' },
  {
    name: 'adopts only outboxes that are open',
    change: { adopt: 'open_outboxes' },
    under: ['writer crashes'],
    breaks: 'answered is stored or rejected',
  },
  { name: 'leaves a crashed epoch unsealed', change: { crashedEpoch: 'left' }, under: ['writer crashes'], breaks: 'seals match' },
  {
    name: "frees on the broker's ack",
    change: { freeOn: 'broker_ack' },
    under: ['stream loses power'],
    breaks: 'answered is stored or rejected',
  },
  {
    name: 'frees up to the highest confirmed',
    change: { cursor: 'highest' },
    under: ['publish is lost', 'forwarder crashes'],
    breaks: 'answered is stored or rejected',
  },
  {
    name: 'confirms by stream position',
    change: { confirmBy: 'stream_position' },
    under: ['stream loses power', 'logger crashes'],
    breaks: 'answered is stored or rejected',
  },
  {
    name: 'confirms without the epoch',
    change: { confirmBy: 'origin_without_epoch' },
    under: ['stream loses power', 'writer crashes'],
    breaks: 'answered is stored or rejected',
  },
  {
    name: 'republishes under the same message id',
    change: { attempts: 'none' },
    under: ['confirmation is lost'],
    breaks: 'the outbox ends empty',
  },
  {
    name: 'counts its attempts from one after a restart',
    change: { attempts: 'within_run' },
    under: ['forwarder crashes'],
    breaks: 'what counts as published was stored by it',
  },
  {
    name: 'makes message ids of event ids',
    change: { messageIdOf: 'event', attempts: 'within_run' },
    under: [],
    breaks: 'what counts as published was stored by it',
  },
  {
    name: 'counts a duplicate as a publish',
    change: { attempts: 'none', countAcks: 'duplicate_too' },
    under: ['confirmation is lost'],
    breaks: 'what counts as published was stored by it',
  },
  {
    name: 'counts a publish without a sequence',
    change: { countAcks: 'seq_zero_too' },
    under: ['publish is called a duplicate'],
    breaks: 'what counts as published was stored by it',
  },
  { name: 'publishes without credit', change: { credit: 'none' }, under: [], breaks: 'nothing unconfirmed is discarded' },
  {
    name: 'counts only unconfirmed bytes as used credit',
    change: { credit: 'unconfirmed' },
    under: ['confirmation is lost'],
    breaks: 'nothing unconfirmed is discarded',
  },
  {
    name: 'republishes without looking at the room',
    change: { republish: 'always' },
    under: ['publishes are held'],
    breaks: 'nothing unconfirmed is discarded',
  },
  { name: 'acks before the insert', change: { loggerOrder: ['ack', 'insert', 'confirm'] }, under: [], breaks: 'what is acked is stored' },
  {
    name: 'confirms and acks before the insert',
    change: { loggerOrder: ['confirm', 'ack', 'insert'] },
    under: ['logger crashes'],
    breaks: 'answered is stored or rejected',
  },
  {
    name: 'takes a fate as known before its record is durable',
    change: { settles: 'when_known' },
    under: ['writer crashes'],
    breaks: 'what reads as answered was told',
  },
  {
    name: 'reads settled_through without the epoch',
    change: { settledOf: 'writer' },
    under: ['writer crashes'],
    breaks: 'what reads as answered was told',
  },
  { name: 'drops poison', change: { poison: 'dropped' }, under: [], breaks: 'answered is stored or rejected' },
  {
    name: 'keeps every row that is inserted',
    change: { bronze: 'plain' },
    under: ['insert fails halfway'],
    breaks: 'one row per outbox record',
  },
  {
    name: 'keeps a consumer that is ahead of its stream',
    change: { consumerAhead: 'left' },
    under: ['stream loses power'],
    breaks: 'the outbox ends empty',
  },
  {
    name: 'commits effects and positions apart',
    change: { materializerCommit: 'apart' },
    under: ['materializer crashes'],
    breaks: 'the materializer is as after a clean run',
  },
  {
    name: 'commits to a store that has changed meanwhile',
    change: { materializerCheck: 'none' },
    under: ['online store is emptied'],
    breaks: 'the materializer is as after a clean run',
  },
  {
    name: 'trusts a consumer to deliver its own lane',
    change: { materializerTakes: 'what_comes' },
    under: ['stream loses power', 'materializer crashes'],
    breaks: 'the materializer is as after a clean run',
  },
  {
    name: 'looks into bronze only behind a gap',
    change: { materializerGaps: 'gap' },
    under: ['online store is emptied'],
    breaks: 'the materializer is as after a clean run',
  },
]

export function mutated({ change }: Mutation): Protocol {
  return { ...designed, ...change }
}
