import { createServer } from 'node:net'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitForEmptyLog } from '../bin/supervisor/event-log-lag.ts'
import type { AcceptedResponse, PredictResponse } from '../contracts/http.ts'
import { flightLabel, flightRequest, landedFlight } from './testing/flight-requests.ts'
import { type HindsightProcess, createDataDirectory, runUp, startHindsight } from './testing/hindsight-process.ts'
import { getJson, postJson } from './testing/http.ts'
import { runHindsight } from './testing/run-command.ts'

const flights = Array.from({ length: 120 }, (_, index) => flightRequest(index))
const { dir: dataDir, remove } = createDataDirectory()
let hindsight: HindsightProcess
const answers: PredictResponse[] = []

beforeAll(async () => {
  hindsight = await startHindsight({ dataDir })
})
afterAll(async () => {
  await hindsight.stop()
  remove()
})

describe('the way of a prediction', () => {
  test('events become features that predictions can see', async () => {
    const events = Array.from({ length: 100 }, (_, index) => landedFlight(index))
    const { status, body } = await postJson<AcceptedResponse>(`${hindsight.url}/v1/events/flight_landed?wait=applied`, { events })
    expect(status).toBe(202)
    expect(body).toMatchObject({ accepted: 100, rejected: [], applied: true })
  })

  test('a request is answered with what the model saw', async () => {
    const request = { ...flightRequest(1, 'seen'), options: { return_features: true } }
    const { status, body } = await postJson<PredictResponse>(`${hindsight.url}/v1/models/flight-delay/predict`, request)
    expect(status).toBe(200)
    expect(body).toMatchObject({ request_id: 'seen-1', model: 'flight-delay', route: 'champion', anchor: 'departure', status: 'ok' })
    const counts = body.features?.filter((feature) => feature.name.endsWith('count_3h')) ?? []
    expect(counts.some((feature) => Number(feature.value) > 0)).toBe(true)
  })

  test('every answer is an event in the warehouse, once', async () => {
    for (const flight of flights) {
      const { status, body } = await postJson<PredictResponse>(`${hindsight.url}/v1/models/flight-delay/predict`, flight)
      expect(status).toBe(200)
      answers.push(body)
    }
    expect(await waitForEmptyLog(dataDir, 300_000)).toEqual({})
    const stored = await hindsight.warehouse.query<{ prediction_id: string }>(
      "SELECT toString(prediction_id) AS prediction_id FROM gold.predictions WHERE route = 'champion' AND startsWith(request_id, 'flight-')",
    )
    expect(stored.map((row) => row.prediction_id).toSorted()).toEqual(answers.map((answer) => answer.prediction_id).toSorted())
  })

  test('a prediction is found again by its id', async () => {
    const { status, body } = await getJson(`${hindsight.url}/v1/predictions/${answers[0]?.prediction_id}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ prediction_id: answers[0]?.prediction_id, request_id: answers[0]?.request_id })
  })

  test('labels become outcomes, also those that a client sent twice', async () => {
    const labels = flights.map(flightLabel)
    for (const batch of [labels, labels.slice(0, 50)])
      expect((await postJson<AcceptedResponse>(`${hindsight.url}/v1/labels`, { labels: batch })).body.rejected).toEqual([])
    expect(await waitForEmptyLog(dataDir, 300_000)).toEqual({})
    const [joined] = await hindsight.warehouse.query<{ labeled: number; late: number }>(
      `SELECT toUInt32(countIf(outcome_state = 'labeled')) AS labeled, toUInt32(sum(outcome)) AS late
       FROM gold.predictions WHERE route = 'champion' AND startsWith(request_id, 'flight-')`,
    )
    expect(joined).toEqual({ labeled: 120, late: 40 })
  })

  test('hindsight evaluate reports them', async () => {
    const range = ['--anchor-from', '2001-06-04', '--anchor-to', '2001-06-05', '--known-as-of', '2001-06-06']
    const { code, stdout, stderr } = await runHindsight(['evaluate', 'flight-delay', ...range, '--json'], dataDir)
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toMatch(/"roc_auc"/)
  })

  test('hindsight reconcile finds nothing missing', async () => {
    const { code, stdout } = await runHindsight(['reconcile', '--json'], dataDir)
    expect(JSON.parse(stdout)).toMatchObject({ ok: true })
    expect(code).toBe(0)
  })

  test('hindsight status shows every service ready', async () => {
    const { code, stdout } = await runHindsight(['status', '--json'], dataDir)
    const status = JSON.parse(stdout) as { ok: boolean; services: { service: string; state: string; restarts: number }[] }
    expect(status.services.map(({ service, state, restarts }) => [service, state, restarts])).toEqual(
      ['warehouse', 'gateway', 'features', 'logger', 'labeler'].map((service) => [service, 'ready', 0]),
    )
    expect(status.ok).toBe(true)
    expect(code).toBe(0)
  })

  test('hindsight sql reads, and cannot write', async () => {
    const read = await runHindsight(['sql', '--json', 'SELECT count() > 0 AS some FROM gold.predictions'], dataDir)
    expect(read).toMatchObject({ code: 0, stderr: '' })
    const write = await runHindsight(['sql', 'DROP TABLE bronze.seals'], dataDir)
    expect(write.code).toBe(1)
    expect(write.stderr).toMatch(/^error: [^\n]+\n$/)
  })
})

describe('a start that cannot be', () => {
  test('a second one on a live data directory ends with one line', async () => {
    const { code, output } = await runUp({ dataDir })
    expect(code).toBe(1)
    expect(output).toMatch(/^error: hindsight is already running on \S+ \(pid \d+\)[^\n]*\n$/)
  })

  test('one on a taken port ends with one line', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const elsewhere = createDataDirectory()
    const { code, output } = await runUp({ dataDir: elsewhere.dir, args: ['--port', String(port)] })
    expect(code).toBe(1)
    expect(output).toMatch(new RegExp(`^error: port ${port} on 127.0.0.1 is taken[^\\n]*\\n$`))
    other.close()
    elsewhere.remove()
  })

  test('one on an unwritable data directory ends with one line', async () => {
    const { code, output } = await runUp({ dataDir: '/dev/null/data' })
    expect(code).toBe(1)
    expect(output).toMatch(/^error: cannot write to the data directory \/dev\/null\/data: [^\n]*\n$/)
  })

  test('one on a project with errors lists them', async () => {
    const elsewhere = createDataDirectory()
    const { code, output } = await runUp({ dataDir: elsewhere.dir, args: ['--project', join(elsewhere.dir, 'nowhere')] })
    expect(code).toBe(1)
    expect(output).toContain('there is no project folder')
    elsewhere.remove()
  })
})

describe('a stop', () => {
  test('SIGTERM drains everything and exits 0; a second start has all and doubles nothing', async () => {
    const before = await countPredictions()
    const request = flightRequest(0, 'last')
    const { status } = await postJson(`${hindsight.url}/v1/models/flight-delay/predict`, request)
    expect(status).toBe(200)
    expect(await hindsight.stop()).toEqual({ code: 0, signal: null })
    expect(readdirSync(join(dataDir, 'run'))).toEqual([])

    hindsight = await startHindsight({ dataDir })
    expect(await countPredictions()).toEqual({ rows: before.rows + 2, ids: before.ids + 2, requests: before.requests + 1 })
    expect((await runHindsight(['reconcile', '--json'], dataDir)).code).toBe(0)
  })
})

async function countPredictions(): Promise<{ rows: number; ids: number; requests: number }> {
  const [counts] = await hindsight.warehouse.query<{ rows: number; ids: number; requests: number }>(
    'SELECT toUInt32(count()) AS rows, toUInt32(uniqExact(prediction_id)) AS ids, toUInt32(uniqExact(request_id)) AS requests FROM gold.predictions',
  )
  if (counts === undefined) throw new Error('a count is one row')
  return counts
}
