import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Origin } from '../../contracts/origin.ts'
import { encodePredictionFate, type PredictionFate, type UnansweredReason } from '../../contracts/prediction-fate.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import type { AppendInput, Durability, EventLogWriter } from '../../platform/event-log/event-log.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'
import { repeat } from '../../platform/service/repeat.ts'

/** The part of a prediction that its fate's record repeats. */
export type FatedPrediction = Pick<PredictionFate, 'prediction_id' | 'tenant' | 'retention_until'> & { model: string }

/**
 * What callers were told of predictions. Nearly always it is said by `settled_through` of what is appended next; where that cannot
 * say it, a record waits for the next append, at most about a second.
 */
export type Fates = {
  /** Appends to the lane of predictions, with the records that wait. Resolves with the origins of `records`. */
  append(records: readonly AppendInput[], options: { durability: Durability }): Promise<Origin[]>
  answered(prediction: FatedPrediction, origin: Origin): void
  unanswered(prediction: FatedPrediction, origin: Origin, reason: UnansweredReason): void
  /** Notes that a replay has delivered the predictions, whichever gateway made them. Calls back once all of it is durable; false when too many wait already. */
  delivered(predictions: readonly FatedPrediction[], onStored: () => void): boolean
  /** Begins to append by itself what no other append has said for a while. */
  start(): void
  /** Waits until no answer is under way any more, or for `withinMs`, then records what is known and stops. */
  close(options: { withinMs: number }): Promise<void>
}

export type FatesDeps = {
  eventLog: EventLogWriter
  metrics: Pick<GatewayMetrics, 'unanswered' | 'delivered'>
  logger: Logger
  now: () => number
  /** UUIDv7. */
  newId: () => string
}

/** A record that waits, and what to do when it is durable. */
type Waiting = { record: AppendInput; onStored: () => void }

const lane = 'predictions'
/** The time between two looks; after two of them, what was known after the last append has been recorded. */
const lookEveryMs = 500
/** The most replays that wait to be recorded: they alone are not bounded by the requests under way. */
const mostWaitingReplays = 10_000

export function createFates(deps: FatesDeps): Fates {
  const { eventLog, metrics, logger, now, newId } = deps
  let waiting: Waiting[] = []
  let newestAnswered: { prediction: FatedPrediction; origin: Origin } | undefined
  let saidBefore = 0
  const closing = new AbortController()
  let looking: Promise<void> | undefined

  function onFault(error: unknown): void {
    logger.warn({ err: error }, 'fates of predictions wait to be recorded')
  }

  async function appendWaiting(records: readonly AppendInput[], options: { durability: Durability }): Promise<Origin[]> {
    const taken = waiting
    waiting = []
    try {
      const origins = await eventLog.append(lane, [...taken.map(({ record }) => record), ...records], options)
      for (const { onStored } of taken) onStored()
      return origins.slice(taken.length)
    } catch (error) {
      waiting = taken.concat(waiting)
      throw error
    }
  }

  async function flush({ quietOnly }: { quietOnly: boolean }): Promise<void> {
    const { said, through } = eventLog.settlement(lane)
    const isQuiet = said === saidBefore
    saidBefore = said
    if (waiting.length === 0 && (isQuiet || !quietOnly) && through > said) waitToSayAnswered(said)
    if (waiting.length > 0 && eventLog.writable()) await appendWaiting([], { durability: 'disk' })
  }

  /** Writes a record of one answered prediction where no append follows: it says that all before it were answered too. */
  function waitToSayAnswered(said: number): void {
    if (newestAnswered === undefined || newestAnswered.origin.epoch !== eventLog.epoch || newestAnswered.origin.seq <= said) return
    wait(newestAnswered.prediction, { fate: 'answered' }, () => undefined)
  }

  function wait(prediction: FatedPrediction, said: Pick<PredictionFate, 'fate' | 'reason'>, onStored: () => void): void {
    const { prediction_id, tenant, retention_until } = prediction
    const id = newId()
    const fate = {
      schema_version: 1,
      fate_id: id,
      prediction_id,
      tenant,
      ...said,
      ingested_at: toTimestamp(now()),
      retention_until,
    } as const
    waiting.push({ record: { kind: 'fate', id, payload: encodePredictionFate(fate) }, onStored })
  }

  return {
    append: (records, options) => (waiting.length === 0 ? eventLog.append(lane, records, options) : appendWaiting(records, options)),
    answered(prediction, origin) {
      if (!eventLog.settle(origin)) return wait(prediction, { fate: 'answered' }, () => undefined)
      const newest = newestAnswered?.origin
      if (newest === undefined || newest.epoch < origin.epoch || newest.seq < origin.seq) newestAnswered = { prediction, origin }
    },
    unanswered(prediction, origin, reason) {
      metrics.unanswered({ model: prediction.model, reason }, 1)
      wait(prediction, { fate: 'unanswered', reason }, () => void eventLog.settle(origin))
    },
    delivered(predictions, onStored) {
      if (waiting.length + predictions.length > mostWaitingReplays) return false
      let left = predictions.length
      for (const prediction of predictions) wait(prediction, { fate: 'delivered' }, () => --left === 0 && onStored())
      metrics.delivered({ model: predictions[0]?.model ?? '' }, predictions.length)
      return true
    },
    start() {
      const look = () => flush({ quietOnly: true })
      looking = repeat(look, { everyMs: lookEveryMs, firstAfterMs: lookEveryMs, signal: closing.signal, onFault })
    },
    async close({ withinMs }) {
      closing.abort()
      await looking
      for (const until = performance.now() + withinMs; ;) {
        await flush({ quietOnly: false }).catch(onFault)
        const { through, last } = eventLog.settlement(lane)
        if (waiting.length === 0 && through === last) return
        if (performance.now() >= until) break
        await sleep(10)
      }
      if (waiting.length > 0) logger.warn({ fates: waiting.length }, 'fates of predictions could not be recorded')
    },
  }
}
