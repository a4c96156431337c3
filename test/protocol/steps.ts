import { emptyStore } from './materializer.ts'
import {
  append,
  close,
  commit,
  crash,
  keyOf,
  laneOf,
  modelLanes,
  open,
  recover,
  sealLane,
  type Outbox,
  type OutboxLane,
  type OutboxRecord,
} from './outbox.ts'
import { settings } from './protocol.ts'
import type { World } from './world.ts'

/** One thing that can happen next. `pick` chooses among its ways; false when there was nothing to do. */
export type Step = (world: World, pick: number) => boolean

/** The steps that are no faults; each is taken only once there is something to do. */
export const ordinarySteps = {
  accept,
  commit: (world, pick) => commitLane(world, writer(world, pick), lane(world, pick)),
  'client is told': (world, pick) => tellClient(world, writer(world, pick), pick >> 1),
  'fates are written': (world, pick) => writeFates(world, writer(world, pick)),
  forward: ({ forwarder }) => forwarder.publishNext(),
  republish: ({ forwarder }) => forwarder.republishNext(),
  'stream takes a publish': takePublish,
  'forwarder takes a publish ack': takePublishAck,
  'logger advances': ({ loggers }, pick) => loggers[pick % loggers.length]?.advance() ?? false,
  'forwarder takes a confirmation': takeConfirmation,
  'materializer advances': ({ materializer }) => materializer.advance(),
  'materializer catches up': ({ materializer }) => materializer.catchUp(),
  'consumers are checked': checkConsumers,
} as const satisfies Record<string, Step>

/** Steps that change what there is to do: time passes, and processes come and go in good order. */
export const lifeSteps = {
  'work is done': (world, pick) => advanceAll(world, laggards[pick % laggards.length]),
  'time passes': (world) => {
    world.clock.now += 1
    return true
  },
  'stream syncs': ({ stream }) => stream.sync(),
  'hour is sealed': (world, pick) => writer(world, pick).state === 'open' && sealLane(lane(world, pick)),
  'writer closes': (world, pick) => answerAll(world, writer(world, pick)) && close(writer(world, pick)),
  'writer opens': (world, pick) => {
    recover(writer(world, pick), world.protocol.crashedEpoch)
    return open(writer(world, pick))
  },
  'outbox is adopted': (world, pick) => recover(writer(world, pick), world.protocol.crashedEpoch),
  'forwarder starts': ({ forwarder }) => forwarder.start(),
  'logger starts': ({ loggers }, pick) => loggers[pick % loggers.length]?.start() ?? false,
  'materializer starts': ({ materializer }) => materializer.start(),
} as const satisfies Record<string, Step>

export const faults = {
  'writer crashes': (world, pick) => crash(writer(world, pick), pick >> 1),
  'forwarder crashes': ({ forwarder, publishes }) => {
    publishes.splice(settings.publishWindow)
    return forwarder.crash()
  },
  'logger crashes': ({ loggers }, pick) => loggers[pick % loggers.length]?.crash() ?? false,
  'materializer crashes': ({ materializer }) => materializer.crash(),
  'insert fails halfway': ({ loggers }, pick) => loggers[pick % loggers.length]?.failInsert(pick >> 1) ?? false,
  'publish is lost': ({ publishes }) => publishes.shift() !== undefined,
  'publish ack is lost': ({ publishAcks }) => publishAcks.shift() !== undefined,
  'publishes are held': holdPublishes,
  'publish is called a duplicate': callDuplicate,
  'confirmation is lost': ({ confirmations }) => confirmations.shift() !== undefined,
  'confirmation comes twice, late': ({ confirmations }) => repeatFirst(confirmations),
  'stream loses power': loseStorage,
  'online store is emptied': ({ store }) => {
    emptyStore(store)
    return true
  },
} as const satisfies Record<string, Step>

type OrdinaryStep = keyof typeof ordinarySteps

/** The steps that are left out, for processes that fall behind while the others have nothing left to do. */
const laggards: readonly (readonly OrdinaryStep[])[] = [
  [],
  ['materializer advances', 'materializer catches up'],
  ['logger advances'],
  ['forwarder takes a confirmation'],
]

/** Takes every step that there is, until none is left; no client sends anything. */
export function advanceAll(world: World, without: readonly OrdinaryStep[] = []): boolean {
  const names = (Object.keys(ordinarySteps) as OrdinaryStep[]).filter((name) => name !== 'accept' && !without.includes(name))
  const advanceOnce = () => names.map((name) => [0, 1, 2, 3].map((pick) => ordinarySteps[name](world, pick)).includes(true)).includes(true)
  let rounds = 0
  while (advanceOnce()) rounds += 1
  return rounds > 0
}

function writer({ outboxes }: World, pick: number): Outbox {
  return outboxes[pick % outboxes.length] as Outbox
}

function lane(world: World, pick: number): OutboxLane {
  return laneOf(writer(world, pick), laneName(pick))
}

function laneName(pick: number) {
  return modelLanes[(pick >> 1) % 2 === 0 ? 0 : 1]
}

/** Accepts up to three events at once. In the predictions lane one id in four comes again, as from a client that got no answer. */
function accept(world: World, pick: number): boolean {
  const outbox = writer(world, pick)
  if (outbox.state !== 'open') return false
  for (let event = 0; event <= pick % 3; event += 1) acceptOne(world, outbox, pick + 5 * event)
  return true
}

function acceptOne(world: World, outbox: Outbox, pick: number): void {
  const isPrediction = laneName(pick) === 'predictions'
  const again = isPrediction && (pick >> 2) % 4 === 1 ? [...world.attempted].findLast((id) => id.startsWith('p')) : undefined
  const id = again ?? `${isPrediction ? 'p' : 'f'}${world.attempted.size}`
  world.attempted.add(id)
  const poison = again === undefined && (pick >> 2) % 4 === 3
  const record = append(outbox, laneName(pick), { id, poison, entity: (pick >> 3) % 2 })
  if (world.protocol.answerAfter === 'write') world.answered.push(record)
}

function commitLane(world: World, outbox: Outbox, own: OutboxLane): boolean {
  const waiting = own.records.slice(own.durable)
  if (outbox.state !== 'open' || !commit(own)) return false
  if (world.protocol.answerAfter === 'commit') world.answered.push(...waiting.filter(({ seal }) => !seal))
  for (const { unanswered, origin } of waiting) if (unanswered !== undefined) own.open.delete(seqOf(unanswered, origin))
  return true
}

/** Sends the answer to a committed prediction, or finds its client gone, or its deadline passed. */
function tellClient(world: World, outbox: Outbox, pick: number): boolean {
  const own = laneOf(outbox, 'predictions')
  const waiting = own.records.slice(0, own.durable).filter(({ origin }) => origin.epoch === outbox.epoch && own.open.has(origin.seq))
  const record = waiting.filter((one) => !world.untold.includes(one) && isPrediction(one)).at(pick % Math.max(1, waiting.length))
  if (outbox.state !== 'open' || record === undefined) return false
  const isTold = pick % 3 !== 0
  if (isTold) world.told.add(keyOf(record.origin))
  else world.untold.push(record)
  if (isTold || world.protocol.settles === 'when_known') own.open.delete(record.origin.seq)
  return true
}

/** Writes fates that waited for an append; those of an epoch that has ended are lost with its process. */
function writeFates(world: World, outbox: Outbox): boolean {
  const own = world.untold.filter(({ origin }) => origin.writer_id === outbox.writerId)
  world.untold = world.untold.filter((record) => !own.includes(record))
  const now = own.filter(({ origin }) => outbox.state === 'open' && origin.epoch === outbox.epoch)
  for (const { origin } of now)
    append(outbox, 'predictions', { id: `fate ${keyOf(origin)}`, poison: false, entity: 0, unanswered: keyOf(origin) })
  return now.length > 0
}

function isPrediction({ seal, unanswered }: OutboxRecord): boolean {
  return seal === undefined && unanswered === undefined
}

function seqOf(key: string, { epoch }: OutboxRecord['origin']): number {
  const [, ownEpoch, , seq] = key.split('/')
  return Number(ownEpoch) === epoch ? Number(seq) : 0
}

export function answerAll(world: World, outbox: Outbox): boolean {
  for (const own of outbox.lanes.values()) commitLane(world, outbox, own)
  return outbox.state === 'open'
}

function takePublish({ publishes, publishAcks, stream }: World): boolean {
  const publish = publishes.shift()
  if (publish) publishAcks.push(stream.publish(publish))
  return publish !== undefined
}

function takePublishAck({ publishAcks, forwarder }: World): boolean {
  const ack = publishAcks.shift()
  if (ack) forwarder.takeAck(ack)
  return ack !== undefined
}

function takeConfirmation({ confirmations, forwarder }: World): boolean {
  const confirmation = confirmations.shift()
  // Nobody listens for a confirmation while the forwarder is down: then it is gone.
  if (confirmation) forwarder.takeConfirmation(confirmation)
  return confirmation !== undefined
}

function checkConsumers({ consumers, protocol }: World): boolean {
  const ahead = Object.values(consumers).filter((consumer) => protocol.consumerAhead === 'recreated' && consumer.isAhead())
  for (const consumer of ahead) consumer.recreate()
  return ahead.length > 0
}

/** Holds a connection that takes bytes and brings nothing back: what is sent meanwhile arrives all the same, later. */
function holdPublishes({ forwarder, clock }: World, pick: number): boolean {
  let didSend = false
  for (let round = 0; round <= pick % 4; round += 1) {
    while (forwarder.publishNext() || forwarder.republishNext()) didSend = true
    clock.now += settings.publishTimeout
  }
  return didSend
}

/** Answers a publish as a duplicate, as a server has done after a change of its leader. */
function callDuplicate({ publishes, publishAcks }: World): boolean {
  const publish = publishes.shift()
  if (publish) publishAcks.push({ publish, seq: 0, duplicate: true })
  return publish !== undefined
}

function repeatFirst<T>(items: T[]): boolean {
  const first = items[0]
  if (first !== undefined) items.push(first)
  return first !== undefined
}

/** Loses the stream's storage, with what is under way. The consumers' own state may survive what it points to. */
function loseStorage({ stream, consumers, publishes, publishAcks, confirmations }: World, pick: number): boolean {
  if (pick % 4 === 3) stream.loseStore()
  else stream.losePower(1 + (pick >> 2))
  if (pick % 2 === 0) for (const consumer of Object.values(consumers)) consumer.rollBack()
  for (const wire of [publishes, publishAcks, confirmations]) wire.length = 0
  return true
}
