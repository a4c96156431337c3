import { setTimeout as wait } from 'node:timers/promises'
import type { PredictResponse } from '../../../contracts/http.ts'
import type { Warehouse } from '../../../platform/warehouse/warehouse.ts'
import type { HttpClient } from '../client/http-client.ts'
import { airports, anchorTimeMs } from '../client/requests.ts'
import { altered, type Violation } from './violation.ts'
import { toColumnTime } from '../../../platform/warehouse/column-time.ts'

/** What the warehouse says of flights that landed at an airport, or left it, in the window that a prediction would see. */
type Expected = { airport: string; landed: string; left: string; landed_delay: number | null }

export const probePrefix = 'probe-'

/**
 * Checks invariant 3 for what features are made of: a prediction now sees exactly the events that the warehouse has. Its own requests
 * are probes, told apart by their prefix.
 */
export async function checkOnlineStore(warehouse: Pick<Warehouse, 'query'>, client: HttpClient, round: string): Promise<Violation[]> {
  const expected = await readExpected(warehouse)
  const violations: Violation[] = []
  for (const one of expected) violations.push(...(await probe(client, `${probePrefix}${round}${one.airport}`, one)))
  return violations
}

async function probe(client: HttpClient, id: string, { airport, landed, left, landed_delay }: Expected): Promise<Violation[]> {
  const answer = await askUntilRead(client, {
    request_id: id,
    entities: { origin: airport, destination: airport === airports[0] ? airports[1] : airports[0] },
    anchor_time: new Date(anchorTimeMs).toISOString(),
    features: { distance: 500 },
    options: { return_features: true },
  })
  if (typeof answer === 'string') return [altered(id, `the probe was answered ${answer}`)]
  const features = new Map(answer.features?.map(({ name, value }) => [name, value]))
  const wanted = { origin_arrivals_count_3h: Number(landed), origin_departures_count_3h: Number(left) }
  const wrong = Object.entries(wanted).filter(([name, value]) => features.get(name) !== value)
  const delay = features.get('origin_arrivals_mean_delay_3h')
  const isMeanRight =
    landed_delay === null || (typeof delay === 'number' && Math.abs(delay - landed_delay) <= 1e-9 * Math.abs(landed_delay) + 1e-9)
  return [
    ...wrong.map(([name, value]) => altered(id, `${name} is ${String(features.get(name))} online and ${value} in the warehouse`)),
    ...(isMeanRight ? [] : [altered(id, `origin_arrivals_mean_delay_3h is ${String(delay)} online and ${landed_delay} in the warehouse`)]),
  ]
}

const attempts = { atMost: 40, everyMs: 100 }

/** An answer without the store, or none within the budget, says nothing of what the store holds: on a busy machine, ask again. */
async function askUntilRead(client: HttpClient, request: object): Promise<PredictResponse | string> {
  let last = ''
  for (let attempt = 1; attempt <= attempts.atMost; attempt++) {
    const { status, body } = await client.post('/v1/models/flight-delay/predict', request)
    const answer = body as PredictResponse
    if (status === 200 && !answer.warnings.some((warning) => warning.startsWith('online_store_unavailable'))) return answer
    last = status === 200 ? answer.warnings.join(', ') : String(status)
    await wait(attempts.everyMs)
  }
  return last
}

function readExpected(warehouse: Pick<Warehouse, 'query'>): Promise<Expected[]> {
  const anchor = toColumnTime(anchorTimeMs)
  return warehouse.query<Expected>(
    `SELECT airport, countIf(keys['destination'] = airport) AS landed, countIf(keys['origin'] = airport) AS left,
  avgIf(values_number['delay_minutes'], keys['destination'] = airport) AS landed_delay
FROM silver.feature_events ARRAY JOIN {airports:Array(String)} AS airport
WHERE event_time >= {anchor:DateTime64(3, 'UTC')} - INTERVAL 3 HOUR AND event_time < {anchor:DateTime64(3, 'UTC')}
  AND known_at <= {anchor:DateTime64(3, 'UTC')}
GROUP BY airport ORDER BY airport`,
    { anchor, airports: [...airports] },
  )
}
