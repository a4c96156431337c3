import type { z } from 'zod'
import type { ServiceError } from '../../contracts/errors.ts'
import type { PredictInstance, predictOptions } from '../../contracts/http.ts'
import type { AppliedPosition } from '../../contracts/origin.ts'
import type { PredictionEvent, RecordedTensor, ServedFeature, UnsealedPredictionEvent } from '../../contracts/prediction-event.ts'
import type { Scalar } from '../../contracts/primitives.ts'
import type { StoreKey } from '../../platform/online-store/online-store.ts'
import type { TraceParent } from '../../platform/service/trace-context.ts'
import type { OnHangUp } from '../fates/hang-up.ts'
import type { Reply } from '../fates/reply.ts'
import type { Outputs } from '../inference/tensors.ts'
import type { Tensors } from '../tensors/tensor.ts'

/** What a caller sent as tensors for one instance. Nothing is assembled: the values are what the model sees. */
export type SentRow = {
  /** The values by feature; one that is undefined was sent as NaN, which models read as missing. */
  values: ReadonlyMap<string, Scalar | undefined>
  /** The tensors in the form that the event keeps. */
  inputs: readonly RecordedTensor[]
}

/** One accepted instance: what is predicted about, and when. */
export type Instance = {
  index: number
  decisionId: string
  tenant: string
  entities: Record<string, string>
  anchor: string
  anchorTimeMs: number
  features: Record<string, Scalar>
  tags: string[]
  /** The tensors that were sent for the instance: where there are some, nothing else is read or assembled. */
  row: SentRow | undefined
  /** What it asks; undefined where the request id was made here. Found out at the first call, in the turn of the instance's part. */
  question?: (() => Question) | undefined
}

export type Question = {
  /** Equal for instances that ask the same. */
  sha256: string
  /** Whether the request id stood for another question before, as far as this process remembers. */
  reusesId: boolean
}

/**
 * A predict request that is validated and has its id. `receivedAtMs` is Unix time, `receivedTick` the same moment on the
 * monotonic clock; `rows`, one per instance, are what was sent as tensors.
 */
export type PredictInput = {
  instances: readonly PredictInstance[]
  batch: boolean
  options: z.output<typeof predictOptions>
  requestId: string
  /** Whether the request id is the caller's. */
  requestIdGiven: boolean
  tenant: string
  receivedAtMs: number
  receivedTick: number
  /** The caller's span where it sent one, or the request's own where it has one. */
  trace?: TraceParent | undefined
  /** Whether the request's spans are recorded. */
  traceSampled?: boolean | undefined
  rows?: readonly SentRow[] | undefined
  onHangUp?: OnHangUp | undefined
  /** Learns of the predictions that the client is told of. */
  reply?: Reply | undefined
  /** The client's key, and how its events become durable only once. */
  idempotency?: { key: string; commit: Commit } | undefined
}

/** What the online store answered, and how far it was; without `values` it did not answer. */
export type SeenFeatures = {
  values: ((key: StoreKey) => Uint8Array | undefined) | undefined
  asOf: readonly AppliedPosition[]
  readAtMs: number | undefined
}

/** One read of the store for the requests of a turn; `seen` is there once it has come. */
export type StoreRead = { seen: SeenFeatures | undefined }

export type InstanceResult = { instance: Instance; features: ServedFeature[] } & (
  | { outputs: Outputs; decision: PredictionEvent['decision']; tensors?: Tensors; fallback?: StandIn; error?: undefined }
  | { error: ServiceError }
)

/** What answered instead of the version, and what the caller is told of it. */
export type StandIn = { name: string; warning: string }

/** Whole microseconds of each stage that was gone through. */
export type StageDurations = { features?: number | undefined; queue?: number | undefined; inference?: number | undefined }

/** The results of the instances that one version ran on, and what the store had shown it; `seen` is undefined where the store was not reached. */
export type Execution = { results: InstanceResult[]; durationUs: StageDurations; seen: SeenFeatures | undefined }

/** An instance's event, its error if it has one, and its row of the model's tensors if it was sent as tensors. */
export type Predicted = { event: UnsealedPredictionEvent; error: ServiceError | undefined; tensors: Tensors | undefined }

/** A step around `record`, which makes the events durable: it may do things before and after, or refuse. */
export type Commit = (predicted: readonly Predicted[], record: () => Promise<void>) => Promise<void>
