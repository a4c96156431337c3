import type { Logger } from 'pino'
import { ServiceError } from '../../contracts/errors.ts'
import { failpoint } from '../../platform/service/failpoint.ts'
import type { Background } from '../predict/background.ts'
import type { Fates } from '../fates/fates.ts'
import { completeUntil } from './complete-until.ts'
import type { Claim, Holder, IdempotencyStore, KeptPredictions, KeyPlace, StoredAnswer } from './idempotency-store.ts'
import { createKeyCalls, type KeyCalls } from './key-calls.ts'
import { type Commit, type Predicted } from '../predict/prediction.ts'
import type { Deadlines } from '../bounds/deadlines.ts'

/** A request with a key; `fingerprint` is equal for equal bodies. `answerByTick` is of the monotonic clock. */
export type KeyedRequest = { place: KeyPlace; fingerprint: string; answerByTick: number }

/** The stored answer that predictions make; undefined when they make an error, since a later try may do better. */
export type Render = (predicted: readonly Predicted[]) => StoredAnswer | undefined

/** How an attempt commits predictions, so that what is answered is what a later request with the key is answered. */
export type CommitWith = (render: Render) => Commit

/** An answer that is about to be committed; `predictionId` is the id by which the outbox and the key know of one another. */
export type Kept = Pick<KeyedAnswer, 'answer' | 'predictionId' | 'predictions'>

/** Keeps the answer, makes its records durable and completes the key; gives what `record` does. */
export type CommitAs = <T>(kept: Kept, record: () => Promise<T>) => Promise<T>

/** What a request with a key is answered. `delivered`: a client is known to have had it before. */
export type KeyedAnswer = {
  answer: StoredAnswer
  predictionId: string
  predictions: KeptPredictions
  replayed: boolean
  delivered: boolean
}

export type Idempotency = {
  /**
   * The answer that the key has, or the one that `compute` commits. Throws `idempotency_conflict` while another request has the
   * key, `idempotency_mismatch` when that had another body, `idempotency_unavailable` when the store does not answer. What
   * `compute` throws frees the key, unless its events are already under way: those are completed behind it.
   */
  once(request: KeyedRequest, compute: (commitWith: CommitWith, commitAs: CommitAs) => Promise<unknown>): Promise<KeyedAnswer>
  /** Must be called when the answer's last byte is out. A replay of an answer that was not known to be delivered becomes part of the ledger. */
  delivered(place: KeyPlace, once: KeyedAnswer): void
}

export type IdempotencyDeps = {
  store: IdempotencyStore
  background: Background
  logger: Logger
  deadlines: Deadlines
  /** Monotonic milliseconds. */
  tick: () => number
  newId: () => string
  fates: Pick<Fates, 'delivered'>
  /** Whether the warehouse has the prediction: then it was committed, whatever became of its writer. False when that cannot be told. */
  isStored: (prediction: { tenant: string; id: string }) => Promise<boolean>
  /** The writer whose outbox the events go to, and its epoch when this process started. */
  writer: { writerId: string; epoch: number }
}

/** How much longer than its deadline a claim is held, so that the hold does not run out while its holder is at the last step. */
const claimMarginMs = 5_000
/** How long a prepared answer waits for its writer to come back and say whether it was committed. */
const recoverWithinMs = 60_000
const mostAnswerBytes = 1024 * 1024

export function createIdempotency({ store, ...deps }: IdempotencyDeps): Idempotency {
  const keys = createKeyCalls(store)
  const attemptDeps = { ...deps, keys }

  async function claim({ place, answerByTick }: KeyedRequest, own: Claim): Promise<Holder | undefined> {
    const holder = await take()
    if (holder === undefined || !(await isAbandoned(holder))) return holder
    if (holder.state === 'prepared' && (await deps.isStored({ tenant: place.tenant, id: holder.predictionId })))
      await keys.complete({ place, predictionId: holder.predictionId })
    return take(holder.attempt)

    function take(over?: string): Promise<Holder | undefined> {
      const holdMs = Math.max(0, answerByTick - deps.tick()) + claimMarginMs
      const claiming = keys.claim({ place, claim: own, holdMs, over })
      return new Promise((resolve, reject) => {
        const deadline = deps.deadlines.at(answerByTick, () => {
          giveBack(claiming)
          reject(new ServiceError('idempotency_unavailable', 'the store of idempotency keys does not answer in time'))
        })
        const settle =
          <T>(tell: (outcome: T) => void) =>
          (outcome: T) => {
            deps.deadlines.clear(deadline)
            tell(outcome)
          }
        claiming.then(settle(resolve), settle(reject))
      })
    }

    /** Frees the key again should its claim be made late, when nobody waits for it any more. */
    function giveBack(late: Promise<unknown>): void {
      deps.background.run('giving a late claim back', async () => {
        await late
        await keys.release({ place, attempt: own.attempt })
      })
    }
  }

  /** Whether the holder's writer has come back since and completed what it found in its outbox, or has not come back in time. */
  async function isAbandoned(holder: Holder): Promise<boolean> {
    if (holder.state === 'answered') return false
    return (holder.state === 'prepared' && holder.lapsed) || holder.epoch < (await store.recoveredEpoch(holder.writerId))
  }

  // The predictions whose delivery is being recorded: many replays of one answer at once record it once.
  const underWay = new Set<string>()
  function markDelivered(place: KeyPlace, predictionId: string): void {
    deps.background.run('remembering that an answer was delivered', () =>
      keys.markDelivered({ place, predictionId }).finally(() => underWay.delete(predictionId)),
    )
  }

  return {
    delivered(place, { predictionId, predictions: { ids, retentionUntil }, replayed, delivered }) {
      if (delivered || underWay.has(predictionId)) return
      underWay.add(predictionId)
      const { tenant, model } = place
      const told = ids.map((id) => ({ prediction_id: id, tenant, model, retention_until: retentionUntil }))
      if (!replayed || told.length === 0) return markDelivered(place, predictionId)
      if (!deps.fates.delivered(told, () => markDelivered(place, predictionId))) underWay.delete(predictionId)
    },
    async once(request, compute) {
      const own = { attempt: deps.newId(), fingerprint: request.fingerprint, ...deps.writer }
      const holder = await claim(request, own)
      if (holder !== undefined) return { ...answerOf(holder, request), replayed: true }
      failpoint('gateway.after_claim')
      const attempt = createAttempt(attemptDeps, request.place, own.attempt)
      try {
        await compute(attempt.commitWith, attempt.commitAs)
      } catch (error) {
        await attempt.abandon()
        throw error
      }
      return { ...attempt.answer(), replayed: false, delivered: false }
    },
  }
}

function answerOf(holder: Holder, request: KeyedRequest): Omit<KeyedAnswer, 'replayed'> {
  if (holder.fingerprint !== request.fingerprint)
    throw new ServiceError('idempotency_mismatch', 'the Idempotency-Key was sent before, with another body', {
      hint: 'a new request needs a new key',
    })
  if (holder.state === 'answered') return holder
  throw conflict('a request with this Idempotency-Key is under way')
}

function conflict(message: string): ServiceError {
  return new ServiceError('idempotency_conflict', message, { hint: 'send it again: it is answered when the other has ended' })
}

type AttemptDeps = Omit<IdempotencyDeps, 'store'> & { keys: KeyCalls }

/** Creates an attempt to answer a key: it prepares the answer, commits it and completes the key. */
function createAttempt({ keys, background, logger, deadlines, tick }: AttemptDeps, place: KeyPlace, attempt: string) {
  let answer: Kept | undefined
  let isUnderWay = false
  const release = () => keys.release({ place, attempt }).catch((error: unknown) => logger.warn({ err: error }, 'a key was not freed'))

  function commitWith(render: Render): Commit {
    return function commit(predicted, record) {
      const rendered = render(predicted)
      if (rendered === undefined) return record()
      const last = predicted.at(-1)?.event
      const predictions = { ids: predicted.map(({ event }) => event.prediction_id), retentionUntil: last?.retention_until ?? '' }
      return commitAs({ answer: rendered, predictionId: last?.prediction_id ?? '', predictions }, record)
    }
  }

  async function commitAs<T>(kept: Kept, record: () => Promise<T>): Promise<T> {
    requireKeepable(kept.answer)
    isUnderWay = true
    let recorded: T
    try {
      const isOurs = await keys.prepare({ place, attempt, ...kept, holdMs: recoverWithinMs })
      if (!isOurs) throw conflict('another request with this Idempotency-Key has taken over')
      recorded = await record()
    } catch (error) {
      await release()
      throw error
    }
    await complete(kept.predictionId)
    answer = kept
    return recorded
  }

  /** Completes a key whose events are committed. Its answer goes out only then: who got it before could later be told another. */
  async function complete(predictionId: string): Promise<void> {
    const key = { place, predictionId }
    const isOurs = await keys.complete(key).catch((error: unknown) => {
      const untilTick = tick() + recoverWithinMs
      background.run('completing a key', () => completeUntil({ keys, deadlines, tick }, { key, untilTick }))
      throw error
    })
    failpoint('gateway.after_complete')
    if (!isOurs) throw conflict('another request with this Idempotency-Key has taken over')
  }

  return {
    commitWith,
    commitAs,
    /** Frees the key when nothing was committed under it, and nothing will be. */
    async abandon() {
      if (!isUnderWay) await release()
    },
    answer(): Kept {
      if (answer === undefined) throw new Error('an attempt ended without an answer and without an error')
      return answer
    },
  }
}

/** Refuses an answer too large to keep: every key of a window is kept, and one answer must not take the place of thousands. */
function requireKeepable({ body }: StoredAnswer): void {
  if (body.byteLength > mostAnswerBytes)
    throw new ServiceError('event_too_large', `the answer is over the ${mostAnswerBytes} bytes that are kept under an Idempotency-Key`)
}
