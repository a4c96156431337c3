import type { EventLogWriter, LaneStatus } from '../../platform/event-log/event-log.ts'
import type { Instruments } from '../../platform/service/instruments.ts'

/** The outbox that is observed; `bounds` are those of each lane. */
export type OutboxSource = {
  eventLog: Pick<EventLogWriter, 'status'>
  bounds: { maxBytes: number; maxAgeMs: number }
  now: () => number
}

/** Shows the writer's last look at its files, at most a second ago: collecting reads nothing. */
export function observeOutbox({ observe }: Instruments, { eventLog, bounds, now }: OutboxSource): void {
  const gauge = (name: string, description: string, read: (status: LaneStatus) => number, unit?: string) =>
    observe('gauge', { name: `hindsight_outbox_${name}`, description, labels: ['lane'], ...(unit !== undefined && { unit }) }, () =>
      eventLog.status().map((status) => ({ labels: [status.lane], value: read(status) })),
    )
  gauge('bytes', "Bytes of a lane's segments on disk.", ({ bytes }) => bytes, 'By')
  gauge(
    'max_bytes',
    "Bytes of a lane's segments from which on requests that append to it are answered with 503.",
    () => bounds.maxBytes,
    'By',
  )
  gauge('segments', "Number of a lane's segments on disk.", ({ segments }) => segments)
  gauge('depth_records', 'Durable records of a lane that some consumer has yet to confirm.', ({ unconfirmed }) => unconfirmed)
  gauge(
    'age_seconds',
    "Age of a lane's oldest durable record that some consumer has yet to confirm; 0 when there is none.",
    (status) => ageSeconds(status, now()),
    's',
  )
  gauge(
    'max_age_seconds',
    "Age of a lane's oldest unconfirmed record from which on requests that append to it are answered with 503.",
    () => bounds.maxAgeMs / 1000,
    's',
  )
  gauge('waiting_records', 'Records appended to a lane and not yet durable.', ({ lastSeq, durableSeq }) => lastSeq - durableSeq)
}

function ageSeconds({ oldestUnconfirmedAtMs: oldestAtMs }: LaneStatus, nowMs: number): number {
  return oldestAtMs === undefined ? 0 : Math.max(0, nowMs - oldestAtMs) / 1000
}
