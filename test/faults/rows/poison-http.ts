import { limits, predictLimits } from '../../../contracts/http.ts'
import type { Injection } from '../fault.ts'
import type { HttpClient } from '../client/http-client.ts'
import { isRejected } from '../client/ledger.ts'
import { until } from '../system/until.ts'

/** Sends what a client must not get in: nothing of it is stored, and each is told what it did. */
export async function sendRefused({ client }: Injection): Promise<void> {
  const predict = '/v1/models/flight-delay/predict'
  const big = JSON.stringify({ request_id: 'x'.repeat(predictLimits.bodyBytes + 1) })
  const deep = `${'['.repeat(limits.depth + 1)}${']'.repeat(limits.depth + 1)}`
  for (const path of [predict, '/v1/labels', '/v1/events/flight_landed']) {
    for (const [body, status] of [
      ['{"entities":', 400],
      [deep, 400],
      ['{"schema_version": 2}', 400],
      [big, 413],
    ] as const) {
      await expectStatus({ client, path, body, status, orFor: 503 })
    }
  }
}

/** Sends accepted ids again with other bytes: readers must go on seeing the first, and a label is refused. */
export async function sendDuplicates({ client, load }: Injection): Promise<void> {
  const { labels, events } = load.ledger
  const accepted = <T extends { answer?: unknown }>(all: Iterable<T>, isBad: (one: T) => boolean) =>
    [...all].filter((one) => one.answer !== undefined && !isBad(one)).slice(0, 3)
  await until('labels and events are accepted', patienceMs, () => {
    return accepted(labels.values(), isRejected).length > 2 && accepted(events.values(), isRejected).length > 2
  })
  for (const { id, sent } of accepted(labels.values(), isRejected)) {
    const body = { label_id: id, ...sent, value_number: 1 - sent.value_number }
    // A label whose id nobody could look up in time is taken, and readers go on seeing the first.
    await expectStatus({ client, path: '/v1/labels', body, status: 409, orFor: 202 })
  }
  for (const { id, sent } of accepted(events.values(), isRejected))
    await client.post('/v1/events/flight_landed', { event_id: id, ...sent, values: { delay_minutes: sent.values['delay_minutes']! + 1 } })
}

const patienceMs = 60_000

type Expected = {
  client: HttpClient
  path: string
  body: unknown
  status: number
  /** A status that is accepted too, while the machine is too busy. */ orFor: number
}

async function expectStatus({ client, path, body, status, orFor }: Expected): Promise<void> {
  const what = `${path} answers ${status} to ${JSON.stringify(body).slice(0, 80)}`
  await until(what, patienceMs, async () => {
    const answer = await client.post(path, body)
    if (answer.status !== status && answer.status !== orFor) throw new Error(`${what}, not ${answer.status}`)
    return answer.status === status
  })
}
