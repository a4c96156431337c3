import type { Lane } from '../../contracts/origin.ts'

/** One writer's lane in one epoch: the unit within which seq has no gaps. */
export type Stream = { writer_id: string; epoch: number; lane: Lane }

/** Records of a stream from one seq to another, both included. */
export type SeqRange = { first_seq: number; last_seq: number }

export type StoredSeal = Stream & SeqRange & { seq: number; count: number; sealed_at: string; reason: string }

/**
 * Every seq that is stored, in any table, and every seq that was stored once and whose retention has passed; each as
 * ranges in rising order without overlap.
 */
export type StoredStream = Stream & {
  ranges: readonly SeqRange[]
  expired: readonly SeqRange[]
  /** The parts of `ranges` that are in rejects. */
  rejected: readonly SeqRange[]
  hours: readonly StreamHour[]
}

/** The records of a stream that were appended in one hour, from the first to the last. */
export type StreamHour = SeqRange & { hour: string }

/**
 * A seal held against what is stored: its count, `expected`, is `stored` + `expired` + `missing`. `rejected` counts those of
 * `stored` that are in rejects; `expired` records are past their retention. `hour` is the one in which its last record was
 * appended.
 */
export type SealCheck = Stream &
  SeqRange & {
    hour: string
    sealed_at: string
    reason: string
    expected: number
    stored: number
    rejected: number
    expired: number
    missing: number
  }

/** Records that a seal vouches for, or that lie before one, and that are neither stored nor expired. */
export type Gap = Stream & { missing: number; first_missing: SeqRange[] }

/** Records after the last seal: nothing vouches for them yet. `missing` counts holes among them, which may still be under way. */
export type OpenTail = Stream & { from_seq: number; last_seq: number; stored: number; expired: number; missing: number }

/** `unsealed`: tails of epochs that have ended. Each ends with a seal, so that one is lost, and perhaps records with it. */
export type Comparison = { seals: SealCheck[]; gaps: Gap[]; open_tails: OpenTail[]; unsealed: OpenTail[] }

/** How many holes of a gap are named. */
const namedRanges = 10

/**
 * Holds what outboxes vouch for against what is stored. Up to the last seal every seq counts, the seals' own included, so
 * that a lost seal shows as well as a lost record. `begun` are streams that are known to have begun: an older epoch of the
 * same lane has ended, and all of it lies before them in the log.
 */
export function compareSeals(stored: {
  seals: readonly StoredSeal[]
  streams: readonly StoredStream[]
  begun?: readonly Stream[]
}): Comparison {
  const { seals, streams, begun = streams } = stored
  const newest = newestEpochs(begun)
  const sealsOf = groupByStream(seals)
  const comparison: Comparison = { seals: [], gaps: [], open_tails: [], unsealed: [] }
  for (const { ranges, expired, rejected, hours, ...stream } of streams) {
    const known = { ranges, expired, rejected, hours }
    const own = (sealsOf.get(streamKey(stream)) ?? []).toSorted((a, b) => a.seq - b.seq)
    for (const seal of own) comparison.seals.push(checkSeal(seal, known))
    const sealedTo = own.reduce((last, { seq, last_seq }) => Math.max(last, seq, last_seq), 0)
    const { missing } = judge({ first_seq: 1, last_seq: sealedTo }, known)
    if (missing.length > 0) comparison.gaps.push({ ...stream, missing: sizeOf(missing), first_missing: missing.slice(0, namedRanges) })
    const tail = openTail({ stream, sealedTo, known })
    if (tail === undefined) continue
    const hasEnded = stream.epoch < (newest.get(laneKey(stream)) ?? 0)
    comparison[hasEnded ? 'unsealed' : 'open_tails'].push(tail)
  }
  return comparison
}

function newestEpochs(streams: readonly Stream[]): Map<string, number> {
  const newest = new Map<string, number>()
  for (const stream of streams) newest.set(laneKey(stream), Math.max(stream.epoch, newest.get(laneKey(stream)) ?? 0))
  return newest
}

function laneKey({ writer_id, lane }: Stream): string {
  return `${lane}/${writer_id}`
}

type Known = Omit<StoredStream, keyof Stream>

function checkSeal(seal: StoredSeal, known: Known): SealCheck {
  const { writer_id, epoch, lane, first_seq, last_seq, sealed_at, reason, count } = seal
  const within = { first_seq, last_seq }
  const { stored, expired } = judge(within, known)
  const rejected = sizeOf([within]) - sizeOf(holes(within, known.rejected))
  const counts = { expected: count, stored, rejected, expired, missing: count - stored - expired }
  return { writer_id, epoch, lane, hour: hourOf(within, { known, sealed_at }), first_seq, last_seq, sealed_at, reason, ...counts }
}

/**
 * The hour in which the last of a seal's records was appended. When none is left, the seal's own time tells, though one that a
 * recovery wrote may be days younger.
 */
function hourOf(within: SeqRange, { known, sealed_at }: { known: Known; sealed_at: string }): string {
  const holding = known.hours.filter(({ first_seq, last_seq }) => first_seq <= within.last_seq && last_seq >= within.first_seq)
  return holding.at(-1)?.hour ?? `${sealed_at.slice(0, 13)}:00:00Z`
}

function openTail({ stream, sealedTo, known }: { stream: Stream; sealedTo: number; known: Known }): OpenTail | undefined {
  const last = Math.max(known.ranges.at(-1)?.last_seq ?? 0, known.expired.at(-1)?.last_seq ?? 0)
  if (last <= sealedTo) return undefined
  const range = { first_seq: sealedTo + 1, last_seq: last }
  const { stored, expired, missing } = judge(range, known)
  return { ...stream, from_seq: range.first_seq, last_seq: last, stored, expired, missing: sizeOf(missing) }
}

/** Divides the range into its stored, expired and missing records. */
function judge(
  within: SeqRange,
  { ranges, expired }: Pick<Known, 'ranges' | 'expired'>,
): { stored: number; expired: number; missing: SeqRange[] } {
  const absent = holes(within, ranges)
  const missing = absent.flatMap((hole) => holes(hole, expired))
  return { stored: sizeOf([within]) - sizeOf(absent), expired: sizeOf(absent) - sizeOf(missing), missing }
}

/** The parts of `within` that no range covers. */
export function holes(within: SeqRange, ranges: readonly SeqRange[]): SeqRange[] {
  const found: SeqRange[] = []
  let next = within.first_seq
  for (const range of ranges) {
    if (range.last_seq < next) continue
    if (range.first_seq > within.last_seq) break
    if (range.first_seq > next) found.push({ first_seq: next, last_seq: range.first_seq - 1 })
    next = range.last_seq + 1
  }
  if (next <= within.last_seq) found.push({ first_seq: next, last_seq: within.last_seq })
  return found
}

function sizeOf(ranges: readonly SeqRange[]): number {
  return ranges.reduce((sum, range) => sum + Math.max(0, range.last_seq - range.first_seq + 1), 0)
}

export function streamKey({ writer_id, epoch, lane }: Stream): string {
  return `${epoch}/${lane}/${writer_id}`
}

function groupByStream(seals: readonly StoredSeal[]): Map<string, StoredSeal[]> {
  const groups = new Map<string, StoredSeal[]>()
  for (const seal of seals) {
    const group = groups.get(streamKey(seal))
    if (group) group.push(seal)
    else groups.set(streamKey(seal), [seal])
  }
  return groups
}
