/**
 * pending: not mature, nothing stands. labeled: a value stands. negative: mature, nothing came, and silence means no.
 * expired: mature, nothing came, and silence means unknown. conflicted: sources of the strongest kind differ.
 * retracted: mature, and all that came was withdrawn.
 */
export const outcomeStates = ['pending', 'labeled', 'negative', 'expired', 'conflicted', 'retracted'] as const
export type OutcomeState = (typeof outcomeStates)[number]

/** What a caller was told, as a record of its own says, and when that was known. */
export type FateRecord = { fate: 'answered' | 'unanswered' | 'delivered'; ingestedAtMs: number }

/** The fields of a prediction that take part in matching. Times are milliseconds since the epoch. */
export type LedgerPrediction = {
  tenant: string
  decisionId: string
  predictionId: string
  model: string
  requestId: string
  index: number
  entities: Readonly<Record<string, string>>
  anchor: string
  anchorTimeMs: number
  /** The question's hash, equal for attempts at one question; undefined where the decision cannot repeat another. */
  question?: string | undefined
  predictedAtMs: number
  /** When and where it was received. */
  receipt: { ingestedAtMs: number; writerId: string; epoch: number; seq: number }
  /** What its caller was told; undefined for shadows, replays and batches, of which nobody is told. */
  told?: { isSettled: boolean; records: readonly FateRecord[] } | undefined
}

/** A decision as of a time: what its predictions that count by then say. Its attributes are those of the first of them. */
export type Decision = {
  tenant: string
  decisionId: string
  /** The ids of its served prediction, of its shadows and replays. */
  predictionIds: readonly string[]
  model: string
  requestId: string
  index: number
  entities: Readonly<Record<string, string>>
  anchor: string
  anchorTimeMs: number
  /** The question's hash, equal for attempts at one question; undefined where the decision cannot repeat another. */
  question?: string | undefined
  /** What the caller was told; undefined where no prediction counts of which a caller is told. */
  fate?: 'answered' | 'unanswered' | 'unknown' | undefined
  /** When and where its first prediction was received. */
  receipt: { ingestedAtMs: number; writerId: string; epoch: number; seq: number }
}

/** The fields of a label event that take part in resolution. */
export type LabelStatement = {
  tenant: string
  labelId: string
  label: string
  predictionId?: string
  requestId?: string
  index?: number
  entities?: Readonly<Record<string, string>>
  anchor?: string
  anchorTimeMs?: number
  valueNumber?: number
  valueText?: string
  eventTimeMs: number
  knownAtMs: number
  ingestedAtMs: number
  /** The place where it was first made durable, which orders statements of one instant. */
  origin: { writerId: string; epoch: number; seq: number }
  source: { kind: string; name: string; labeler?: string }
  supersedes?: string
  retracted: boolean
}

/** A decision's outcome of one label, as of a time. */
export type Outcome = {
  tenant: string
  decisionId: string
  label: string
  /** The hash of the label's definition. */
  definitionSha256: string
  model: string
  anchor: string
  anchorTimeMs: number
  state: OutcomeState
  /** The value of a binary or number label; 0 where silence means no. */
  outcome?: number
  /** The value of a category label. */
  outcomeText?: string
  /** When the value was first known: of a negative, when the decision became mature. */
  knownAtMs?: number
  maturesAtMs: number
  /** How many label events counted by then and matched, withdrawn ones included. */
  statements: number
  /** Why the decision does not count: its caller was told nothing, or another attempt at the question counts. */
  leftOut: 'unanswered' | 'repeated' | undefined
  /** How many decisions ask the same, this one included. */
  attempts: number
}
