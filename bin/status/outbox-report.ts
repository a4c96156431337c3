import type { Lane } from '../../contracts/origin.ts'
import type { WriterDescription } from '../../platform/outbox/describe-outbox.ts'
import { formatBytes, formatDuration, toTable } from '../../platform/command/output.ts'

/** `records` and `bytes` are durable and not confirmed by this consumer; `age_s` is the age of the oldest of them. */
export type ConsumerReport = { consumer: string; records: number; bytes: number; age_s?: number }

/** A lane is as deep and as old as it is for the consumer that is furthest behind: until it has come along, nothing is freed. */
export type LaneReport = {
  lane: Lane
  depth: number
  age_s?: number
  /** Bytes on disk, including confirmed records in segments that are not yet freed. */
  bytes: number
  segments: number
  /** Epochs of which segments are on disk. */
  epochs: number
  durable_seq: number
  consumers: ConsumerReport[]
}

export type WriterReport = { writer_id: string; epoch: number; pid: number; state: WriterDescription['state']; lanes: LaneReport[] }

export type OutboxReport = { records: number; bytes: number; writers: WriterReport[] }

export function toOutboxReport(writers: readonly WriterDescription[], nowMs: number): OutboxReport {
  const reports = writers.map(({ writerId, epoch, pid, state, lanes }) => ({
    writer_id: writerId,
    epoch,
    pid,
    state,
    lanes: lanes.map((lane) => toLaneReport(lane, nowMs)),
  }))
  const all = reports.flatMap(({ lanes }) => lanes)
  return { records: sum(all.map(({ depth }) => depth)), bytes: sum(all.map(({ bytes }) => bytes)), writers: reports }
}

function toLaneReport(described: WriterDescription['lanes'][number], nowMs: number): LaneReport {
  const { lane, bytes, segments, epochs, durableSeq } = described
  const consumers = described.consumers.map(({ consumer, records, bytes: behind, oldestAppendedAtMs: oldest }) => ({
    consumer,
    records,
    bytes: behind,
    // A writer's clock may be ahead of ours.
    ...(oldest !== undefined && { age_s: Math.max(0, (nowMs - oldest) / 1000) }),
  }))
  const ages = consumers.flatMap(({ age_s: age }) => (age === undefined ? [] : [age]))
  return {
    lane,
    depth: Math.max(0, ...consumers.map(({ records }) => records)),
    ...(ages.length > 0 && { age_s: Math.max(...ages) }),
    bytes,
    segments,
    epochs,
    durable_seq: durableSeq ?? 0,
    consumers,
  }
}

export function toOutboxText({ records, bytes, writers }: OutboxReport): string {
  if (writers.length === 0) return 'No outbox here yet.'
  const heading = [`${records} records wait, ${formatBytes(bytes)} on disk`, toTable([writerHeading, ...writers.map(toWriterRow)])]
  const lanes = writers.flatMap((writer) => writer.lanes.map((lane) => toLaneRow(writer.writer_id, lane)))
  return [...heading, lanes.length === 0 ? 'Nothing has been written.' : toTable([laneHeading, ...lanes])].join('\n\n')
}

const writerHeading = ['writer', 'state', 'epoch', 'pid']
const laneHeading = ['lane', 'waiting', 'oldest', 'size', 'segments', 'epochs', 'last seq', 'consumers']

function toWriterRow({ writer_id: writerId, state, epoch, pid }: WriterReport): string[] {
  return [writerId, state, String(epoch), String(pid)]
}

function toLaneRow(writerId: string, { lane, depth, age_s: age, bytes, segments, epochs, durable_seq: last, consumers }: LaneReport) {
  const oldest = age === undefined ? '-' : formatDuration(age)
  const sizes = [formatBytes(bytes), String(segments), String(epochs), String(last)]
  return [`${writerId}/${lane}`, String(depth), oldest, ...sizes, consumers.map(toConsumerText).join(', ')]
}

/** `logger has all`, or how many records it has yet to confirm. */
export function toConsumerText({ consumer, records }: { consumer: string; records: number }): string {
  return `${consumer} ${records === 0 ? 'has all' : `behind by ${records}`}`
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
