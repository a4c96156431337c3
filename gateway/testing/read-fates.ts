import { predictionEventV1 } from '../../contracts/prediction-event.ts'
import { type PredictionFate, predictionFateV1 } from '../../contracts/prediction-fate.ts'
import type { LogRecord } from '../../platform/event-log/event-log.ts'
import { bodyOf, readRecords } from './read-outbox.ts'

/** The fate of each prediction as silver.predictions judges it, by prediction id; null for shadows. */
export function fatesIn(records: readonly LogRecord[]): Map<string, string | null> {
  const told = fateRecordsIn(records)
  const settled = new Map<string, number>()
  for (const { origin, settledThrough = 0 } of records)
    settled.set(streamOf({ origin }), Math.max(settledThrough, settled.get(streamOf({ origin })) ?? 0))
  const fateOf = (record: LogRecord): string | null => {
    const { prediction_id: id, route } = predictionEventV1.parse(bodyOf(record))
    if (route === 'shadow') return null
    const own = told.filter((fate) => fate.prediction_id === id)
    if (own.some(({ fate }) => fate !== 'unanswered')) return 'answered'
    if (own[0] !== undefined) return `unanswered: ${own[0].reason}`
    return record.origin.seq <= (settled.get(streamOf(record)) ?? 0) ? 'answered' : 'unknown'
  }
  const events = records.filter(({ kind, origin }) => kind === 'event' && origin.lane === 'predictions')
  return new Map(events.map((record) => [record.id, fateOf(record)]))
}

export function fateRecordsIn(records: readonly LogRecord[]): PredictionFate[] {
  return records.filter(({ kind }) => kind === 'fate').map((record) => predictionFateV1.parse(bodyOf(record)))
}

export async function readFates(dataDir: string): Promise<Map<string, string | null>> {
  return fatesIn(await readRecords(dataDir, { lanes: ['predictions'] }))
}

function streamOf({ origin }: Pick<LogRecord, 'origin'>): string {
  return `${origin.writer_id}/${origin.epoch}/${origin.lane}`
}
