import { readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitForEmptyLog } from '../bin/supervisor/event-log-lag.ts'
import type { AcceptedResponse, PredictResponse } from '../contracts/http.ts'
import { prepareBun } from './testing/bun.ts'
import { flightLabel, flightRequest, landedFlight } from './testing/flight-requests.ts'
import { createDataDirectory, type HindsightProcess, startHindsight } from './testing/hindsight-process.ts'
import { postJson } from './testing/http.ts'
import { runHindsight } from './testing/run-command.ts'

const bun = prepareBun()
if ('missing' in bun) process.stderr.write(`tests on Bun are skipped: ${bun.missing}\n`)
const { skipIf } = describe

skipIf('missing' in bun)('a system whose gateway runs on Bun', () => {
  const { dir: dataDir, remove } = createDataDirectory()
  const flights = Array.from({ length: 60 }, (_, index) => flightRequest(index))
  const ids: string[] = []
  let hindsight: HindsightProcess

  const programOf = (pid = 0) => basename(readlinkSync(`/proc/${pid}/exe`))

  async function predict(flight: object): Promise<PredictResponse> {
    const { status, body } = await postJson<PredictResponse>(`${hindsight.url}/v1/models/flight-delay/predict`, flight)
    expect(status).toBe(200)
    return body
  }

  async function storedIds(): Promise<string[]> {
    expect(await waitForEmptyLog(dataDir, 300_000)).toEqual({})
    const rows = await hindsight.warehouse.query<{ prediction_id: string }>(
      "SELECT toString(prediction_id) AS prediction_id FROM gold.predictions WHERE route = 'champion' AND startsWith(request_id, 'flight-')",
    )
    return rows.map((row) => row.prediction_id).toSorted()
  }

  beforeAll(async () => {
    if ('missing' in bun) return
    hindsight = await startHindsight({ dataDir, env: bun.env })
  })
  afterAll(async () => {
    await hindsight?.stop()
    remove()
    if (!('missing' in bun)) bun.remove()
  })

  test('has the others on Node.js', () => {
    expect(programOf(hindsight.pidOf('gateway'))).toBe('bun')
    for (const service of ['features', 'logger', 'labeler'] as const) expect(programOf(hindsight.pidOf(service))).not.toBe('bun')
  })

  test('reads features that events gave it', async () => {
    const events = Array.from({ length: 100 }, (_, index) => landedFlight(index))
    const { body } = await postJson<AcceptedResponse>(`${hindsight.url}/v1/events/flight_landed?wait=applied`, { events })
    expect(body).toMatchObject({ accepted: 100, rejected: [], applied: true })
    const { features = [] } = await predict({ ...flightRequest(1, 'seen'), options: { return_features: true } })
    expect(features.some(({ name, value }) => name.endsWith('count_3h') && Number(value) > 0)).toBe(true)
  })

  test('stores every answer once, and joins the labels', async () => {
    for (const flight of flights) ids.push((await predict(flight)).prediction_id)
    expect(await storedIds()).toEqual(ids.toSorted())
    const { body } = await postJson<AcceptedResponse>(`${hindsight.url}/v1/labels`, { labels: flights.map(flightLabel) })
    expect(body).toMatchObject({ accepted: 60, rejected: [] })
    expect(await waitForEmptyLog(dataDir, 300_000)).toEqual({})
    const [joined] = await hindsight.warehouse.query<{ labeled: number }>(
      `SELECT toUInt32(countIf(outcome_state = 'labeled')) AS labeled
       FROM gold.predictions WHERE route = 'champion' AND startsWith(request_id, 'flight-')`,
    )
    expect(joined).toEqual({ labeled: 60 })
  })

  test('loses nothing that was answered when it is killed, and comes back on Bun', async () => {
    const killed = hindsight.pidOf('gateway') ?? 0
    ids.push((await predict(flightRequest(60))).prediction_id)
    process.kill(killed, 'SIGKILL')
    const answer = () => predict(flightRequest(61)).catch(() => undefined)
    await expect.poll(answer).toBeDefined()
    expect(programOf(hindsight.pidOf('gateway'))).toBe('bun')
    expect(hindsight.pidOf('gateway')).not.toBe(killed)
    expect(await storedIds()).toEqual(expect.arrayContaining(ids))
  })

  test('has nothing missing, drains and ends with 0', async () => {
    const { code, stdout } = await runHindsight(['reconcile', '--json'], dataDir)
    expect(JSON.parse(stdout)).toMatchObject({ ok: true })
    expect(code).toBe(0)
    expect(await hindsight.stop()).toEqual({ code: 0, signal: null })
  })
})
