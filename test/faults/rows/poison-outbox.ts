import { join } from 'node:path'
import { lanes } from '../../../contracts/origin.ts'
import { encodePredictionEvent, type PredictionEvent } from '../../../contracts/prediction-event.ts'
import { limits } from '../../../contracts/http.ts'
import type { AppendInput } from '../../../platform/event-log/event-log.ts'
import { openOutboxWriter } from '../../../platform/outbox/write/outbox-writer.ts'
import type { Injection } from '../fault.ts'
import { until } from '../system/until.ts'
import { brokerConsumers, embeddedConsumers } from '../../../contracts/lane-consumers.ts'

/** Appends records that no gateway of this build writes, from an outbox of their own: each must end in rejects, and hold up nothing. */
export async function appendPoison({ system, load }: Injection): Promise<void> {
  const writer = await openOutboxWriter({
    dir: join(system.dir, 'data', 'outbox'),
    writerId: 'poison',
    consumersOf: system.setUp === 'embedded' ? embeddedConsumers : brokerConsumers,
  })
  try {
    for (const lane of lanes) {
      const poison = poisonOf(`${load.ledger.prefix}poison-`)
      await writer.append(
        lane,
        poison.map(({ record }) => record),
      )
      for (const { record, code } of poison) load.ledger.poison.set(`${lane}/${record.id}`, code)
    }
    await writer.append('predictions', [await forgedPrediction({ system, load })])
  } finally {
    await writer.close()
  }
}

type Poison = { record: AppendInput; code: string }

function poisonOf(prefix: string): Poison[] {
  const one = (name: string, payload: AppendInput['payload'], code: string): Poison => {
    return { record: { kind: 'event', id: `${prefix}${name}`, payload }, code }
  }
  return [
    one('bad-json', '{"schema_version":1,', 'invalid_json'),
    one('not-utf8', Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d), 'invalid_json'),
    one('wrong-schema', '{"schema_version":1,"tenant":"default"}', 'invalid_event'),
    one('future', '{"schema_version":2,"tenant":"default"}', 'unsupported_schema_version'),
    one('oversize', JSON.stringify({ schema_version: 1, tenant: 'default', text: 'x'.repeat(limits.eventBytes) }), 'invalid_event'),
  ]
}

/** A prediction with a stored one's id, other outputs and a later receipt. */
async function forgedPrediction({ system, load }: Pick<Injection, 'system' | 'load'>): Promise<AppendInput> {
  let payload: string | undefined
  await until('a prediction is stored', 60_000, async () => {
    const rows = await system.warehouse.query<{ payload: string }>(
      `SELECT payload FROM bronze.prediction_payloads WHERE startsWith(JSONExtractString(payload, 'request_id'), {prefix:String}) LIMIT 1`,
      { prefix: load.ledger.prefix },
    )
    payload = rows[0]?.payload
    return payload !== undefined
  })
  const { payload_hash: _, ...event } = JSON.parse(payload!) as PredictionEvent
  const later = new Date(Date.parse(event.ingested_at) + 1_000).toISOString()
  const forged = { ...event, outputs: { probability_late: 0.123 }, ingested_at: later }
  return { kind: 'event', id: event.prediction_id, payload: encodePredictionEvent(forged) }
}
