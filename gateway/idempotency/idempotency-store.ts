import type { ServiceError } from '../../contracts/errors.ts'

/** The place of a client's key: the same text at another tenant or model is another key. */
export type KeyPlace = { tenant: string; model: string; key: string }

/** The place of the key of a message of labels: no model may have this name. */
export function labelKeyPlace(tenant: string, key: string): KeyPlace {
  return { tenant, model: '$labels', key }
}

/** One attempt to answer a key: by which process (`epoch` is its outbox's when it started), and to what request. */
export type Claim = { attempt: string; fingerprint: string; writerId: string; epoch: number }

/** The predictions of an answer, all of which are kept equally long. */
export type KeptPredictions = { ids: string[]; retentionUntil: string }

/** An answer as it went out, or will. */
export type StoredAnswer = { headers: Record<string, string>; body: Uint8Array }

/**
 * Who has the key. `claimed`: nothing of it is in the outbox. `prepared`: its events may be in the outbox, the last of them
 * under `predictionId`; `lapsed` when its hold has run out. `answered`: they are, and `answer` stands until the window ends;
 * `delivered` when it is known that a client has had it.
 */
export type Holder = Claim &
  (
    | { state: 'claimed' }
    | { state: 'prepared'; predictionId: string; lapsed: boolean }
    | { state: 'answered'; predictionId: string; predictions: KeptPredictions; answer: StoredAnswer; delivered: boolean }
  )

/** What a claim asks: the key for this attempt, for so long, and from attempt `over` where it is named. */
export type ClaimRequest = { place: KeyPlace; claim: Claim; holdMs: number; over?: string | undefined }

/** An answer that is prepared before its events are committed; `predictionId` is the last of `predictions`. */
export type Preparation = {
  place: KeyPlace
  attempt: string
  predictionId: string
  predictions: KeptPredictions
  answer: StoredAnswer
  holdMs: number
}

/** A key whose answer was prepared under this id. */
export type AnsweredKey = { place: KeyPlace; predictionId: string }

/** A key that this attempt may hold. */
export type HeldKey = { place: KeyPlace; attempt: string }

/** What came of one key of a call: its value, or the error that is its own. */
export type Outcome<T> = T | ServiceError

/**
 * Which keys were answered, with what, and who is at it; shared by every gateway. Whatever a former holder of a key still asks for is
 * refused. A call is about many keys, as if they came one after the other: each is atomic and has an outcome of its own, in the same
 * order. A call throws `idempotency_unavailable` when none of them can be told.
 */
export type IdempotencyStore = {
  /** Takes a key that is free, claimed with a hold that has run out, or held by attempt `over` without an answer; else says who has it. */
  claim(claims: readonly ClaimRequest[]): Promise<Outcome<Holder | undefined>[]>
  /** Keeps what will be answered once the events are in the outbox, and holds on. False when the key is no longer the attempt's. */
  prepare(preparations: readonly Preparation[]): Promise<Outcome<boolean>[]>
  /** The prepared answer is the answer, durably, and from now for the window. False unless it was prepared under this id. */
  complete(keys: readonly AnsweredKey[]): Promise<Outcome<boolean>[]>
  /** The answer under this id has been delivered: a replay need not say so. Nothing happens when it no longer stands. */
  markDelivered(keys: readonly AnsweredKey[]): Promise<Outcome<void>[]>
  /** Frees a key if the attempt holds it without an answer. */
  release(keys: readonly HeldKey[]): Promise<Outcome<void>[]>
  /** Says that the outbox of this writer has been looked through: what its earlier epochs prepared is complete, or was never committed. */
  markRecovered(writerId: string, epoch: number): Promise<void>
  /** The highest epoch marked for the writer; 0 for none. */
  recoveredEpoch(writerId: string): Promise<number>
  close(): Promise<void>
} & FirstValues

export type FirstValue = { key: string; value: string }

/** What was said first under ids of the clients', for the window: several gateways then notice when something else is said. Throws as the store does. */
export type FirstValues = {
  /** Keeps each value under its key where none stands, one after the other; gives what stood there before. */
  keepFirst(entries: readonly FirstValue[]): Promise<(string | undefined)[]>
  readFirst(keys: readonly string[]): Promise<(string | undefined)[]>
  /** Takes back those that still stand as they are here. */
  forget(entries: readonly FirstValue[]): Promise<void>
}
