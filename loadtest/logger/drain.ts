import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { openOutboxWriter } from '../../platform/outbox/write/outbox-writer.ts'
import type { FreshEvent } from './fresh-events.ts'
import { until } from './until.ts'

const consumersOf = { predictions: ['logger'], labels: ['logger'], feature_events: ['logger'], batch_predictions: ['logger'] }

/**
 * Measures how many records per second a running logger stores and confirms from a filled outbox. The outbox is written apart and
 * moved into place whole: writing it is not part of the time.
 */
export async function drainOutbox(options: {
  dataDir: string
  admin: string
  events: readonly FreshEvent[]
  writerId: string
}): Promise<number> {
  const { dataDir, admin, events, writerId } = options
  const staging = join(dataDir, 'staging')
  const writer = await openOutboxWriter({ dir: staging, writerId, consumersOf })
  const appended = 1_000
  for (let from = 0; from < events.length; from += appended)
    await writer.append(
      'predictions',
      events.slice(from, from + appended).map((event) => ({ kind: 'event', ...event })),
    )
  await writer.close()
  await mkdir(join(dataDir, 'outbox'), { recursive: true })
  let before = 0
  const isKnown = async () => (before = (await loggerStatus(admin)).status.records ?? -1) >= 0
  await until('the logger has said what it has stored', { holds: isKnown, everyMs: 100, deadlineMs: 60_000 })
  const began = performance.now()
  await rename(join(staging, writerId), join(dataDir, 'outbox', writerId))
  const holds = async () => (await recordsOf(admin)) >= before + events.length
  await until('the logger has stored everything', { holds, everyMs: 100, deadlineMs: 300_000 })
  return events.length / ((performance.now() - began) / 1000)
}

async function recordsOf(admin: string): Promise<number> {
  const { status } = await loggerStatus(admin)
  return status.records ?? 0
}

/** The logger's status; a field that it could not tell in time is absent. */
export type LoggerStatus = { status: { records?: number; lag?: { lane: string; records: number }[] } }

export async function loggerStatus(admin: string): Promise<LoggerStatus> {
  return (await (await fetch(`${admin}/status`)).json()) as LoggerStatus
}
