import type { Logger } from 'pino'
import { ServiceError } from '../../contracts/errors.ts'
import type { LogRecord } from '../../platform/event-log/event-log.ts'
import { type IdempotencyStore, type KeyPlace, labelKeyPlace } from './idempotency-store.ts'
import { readLastRecords } from '../../platform/outbox/read/read-last-records.ts'
import { retry } from '../../platform/service/retry.ts'

/** An event of an earlier epoch that was committed under a key. */
export type CommittedKey = { place: KeyPlace; predictionId: string }

const marker = Buffer.from('"idempotency_key":')
const backOff = { firstMs: 1_000, mostMs: 1_000 }

/**
 * Reads the keys under which earlier epochs of the outbox committed events, and may not have lived to complete them. Must run
 * before consumers let those segments be freed.
 */
export async function readCommittedKeys(outbox: { dir: string; writerId: string; epoch: number }): Promise<CommittedKey[]> {
  const keys: CommittedKey[] = []
  for (const lane of ['predictions', 'labels'] as const)
    for await (const record of readLastRecords(outbox, { lane, beforeEpoch: outbox.epoch })) keys.push(...toCommittedKey(record))
  return keys
}

/**
 * Completes the keys whose events are in the outbox, then marks its earlier epochs as recovered: whatever else they prepared was
 * never committed. Tries until the store answers or the signal aborts; a key that waits for it is answered 409 meanwhile.
 */
export async function recoverKeys(
  deps: { store: Pick<IdempotencyStore, 'complete' | 'markRecovered'>; logger: Logger; signal: AbortSignal },
  { keys, writerId, epoch }: { keys: readonly CommittedKey[]; writerId: string; epoch: number },
): Promise<void> {
  const { store, logger, signal } = deps
  async function complete(): Promise<void> {
    for (const outcome of await store.complete(keys)) if (outcome instanceof ServiceError) throw outcome
    await store.markRecovered(writerId, epoch)
  }
  function onRetry({ attempt, error }: { attempt: number; error: unknown }): void {
    if (attempt === 1) logger.warn({ err: error }, 'answers of an earlier run cannot be completed yet')
  }
  await retry(complete, { backOff, signal, isWorth: () => true, onRetry }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

function toCommittedKey({ kind, payload, origin: { lane } }: LogRecord): CommittedKey[] {
  if (!Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).includes(marker)) return []
  const parsed = JSON.parse(new TextDecoder().decode(payload)) as Record<string, string>
  if (lane === 'labels') return toLabelKey(parsed)
  const { tenant, model, idempotency_key: key, prediction_id: predictionId } = parsed
  if (kind !== 'event' || tenant === undefined || model === undefined || key === undefined || predictionId === undefined) return []
  return [{ place: { tenant, model, key }, predictionId }]
}

/** The last record of a message of labels, accepted or rejected, names the message's key and answer. */
function toLabelKey({ tenant, idempotency_key: key, answer_id: predictionId }: Record<string, string>): CommittedKey[] {
  if (tenant === undefined || key === undefined || predictionId === undefined) return []
  return [{ place: labelKeyPlace(tenant, key), predictionId }]
}
