import { ServiceError, toServiceError } from '../../contracts/errors.ts'
import { connectRedis, type RedisConnection } from '../../platform/online-store/online-store-redis-client.ts'
import {
  claimScript,
  completeScript,
  deliverScript,
  forgetScript,
  keepFirstScript,
  markScript,
  prepareScript,
  releaseScript,
} from './idempotency-store-redis-scripts.ts'
import type { Holder, IdempotencyStore, KeptPredictions, KeyPlace, Outcome } from './idempotency-store.ts'

export type RedisIdempotencyOptions = RedisConnection & {
  /** The prefix of every key in Redis, so that several systems can share one. */
  keyPrefix: string
  /** How long an answer stands. */
  windowMs: number
}

const itemsPerTurn = 100

type Argument = string | number | Uint8Array

/**
 * A script for each key, all of a call in one write: a key's outcome is its own, and in a cluster each goes where its slot is. As
 * durable as the Redis: what it forgets may be answered anew.
 */
export async function openRedisIdempotencyStore(options: RedisIdempotencyOptions): Promise<IdempotencyStore> {
  const { keyPrefix, windowMs } = options
  const client = await connectRedis(options)
  const keyOf = ({ tenant, model, key }: KeyPlace) => `${keyPrefix}:idempotency:${tenant}:${model}:${key}`
  const recoveredKey = (writerId: string) => `${keyPrefix}:idempotency-recovered:${writerId}`

  async function call(command: string, args: readonly Argument[]): Promise<unknown> {
    try {
      return await client.call(command, args)
    } catch (cause) {
      throw new ServiceError('idempotency_unavailable', 'the store of idempotency keys does not answer', { cause })
    }
  }
  const run = (script: string, key: string, args: readonly Argument[]) => call('EVAL', [script, 1, key, ...args])

  const firstKey = (key: string) => `${keyPrefix}:first:${key}`
  const toText = (value: unknown) => (value === null ? undefined : (value as Buffer).toString())

  return {
    claim: (claims) =>
      forEachKey(claims, async ({ place, claim: { attempt, fingerprint, writerId, epoch }, holdMs, over = '' }) => {
        const held = await run(claimScript, keyOf(place), [attempt, fingerprint, writerId, epoch, Math.ceil(holdMs), windowMs, over])
        return held === null ? undefined : toHolder(held as (Buffer | null)[])
      }),
    prepare: (preparations) =>
      forEachKey(preparations, async ({ place, attempt, predictionId, predictions, answer, holdMs }) => {
        const args = [attempt, predictionId, JSON.stringify(answer.headers), answer.body, Math.ceil(holdMs), JSON.stringify(predictions)]
        return (await run(prepareScript, keyOf(place), args)) === 1
      }),
    complete: (keys) =>
      forEachKey(keys, async ({ place, predictionId }) => (await run(completeScript, keyOf(place), [predictionId, windowMs])) === 1),
    markDelivered: (keys) =>
      forEachKey(keys, async ({ place, predictionId }) => void (await run(deliverScript, keyOf(place), [predictionId]))),
    release: (keys) => forEachKey(keys, async ({ place, attempt }) => void (await run(releaseScript, keyOf(place), [attempt]))),
    async markRecovered(writerId, epoch) {
      await run(markScript, recoveredKey(writerId), [epoch])
    },
    recoveredEpoch: async (writerId) => Number(((await call('GET', [recoveredKey(writerId)])) as Buffer | null)?.toString() ?? 0),
    keepFirst: (entries) =>
      inTurns(entries, async ({ key, value }) => toText(await run(keepFirstScript, firstKey(key), [value, windowMs]))),
    readFirst: (keys) => inTurns(keys, async (key) => toText(await call('GET', [firstKey(key)]))),
    async forget(entries) {
      await inTurns(entries, ({ key, value }) => run(forgetScript, firstKey(key), [value]))
    },
    close: () => client.close(),
  }
}

function forEachKey<Item, T>(items: readonly Item[], action: (item: Item) => Promise<T>): Promise<Outcome<T>[]> {
  return inTurns(items, (item) => action(item).catch(toServiceError))
}

/**
 * Goes through the items in turns. A turn's commands are sent without waiting in between, and arrive together and in order; more
 * at once would outwait their timeout.
 */
async function inTurns<Item, T>(items: readonly Item[], action: (item: Item) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let from = 0; from < items.length; from += itemsPerTurn)
    results.push(...(await Promise.all(items.slice(from, from + itemsPerTurn).map(action))))
  return results
}

function toHolder(fields: (Buffer | null)[]): Holder {
  const [state = '', attempt = '', fingerprint = '', writerId = '', epoch = '', predictionId = '', headers = ''] = fields.map(
    (field, index) => (index < 7 ? (field?.toString() ?? '') : ''),
  )
  const claim = { attempt, fingerprint, writerId, epoch: Number(epoch) }
  if (state === 'claimed') return { ...claim, state }
  if (state === 'prepared') return { ...claim, state, predictionId, lapsed: fields[7]?.toString() === '1' }
  const answer = { headers: JSON.parse(headers) as Record<string, string>, body: fields[7] ?? new Uint8Array() }
  const predictions = JSON.parse(fields[8]?.toString() ?? '{"ids":[],"retentionUntil":""}') as KeptPredictions
  return { ...claim, state: 'answered', predictionId, predictions, answer, delivered: fields[9]?.toString() === '1' }
}
