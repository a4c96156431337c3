import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { waitForEmptyLog } from '../bin/supervisor/event-log-lag.ts'
import type { AcceptedResponse, PredictResponse } from '../contracts/http.ts'
import type { PredictionEvent } from '../contracts/prediction-event.ts'
import { versionManifest } from '../contracts/version-manifest.ts'
import { featureSetSha256 } from '../platform/project/definition-hashes.ts'
import { loadProject } from '../platform/project/load-project.ts'
import type { ServiceName } from '../platform/service/service.ts'
import { readPassword } from '../platform/service/warehouse-password.ts'
import { flightRequest, landedFlight } from './testing/flight-requests.ts'
import { createDataDirectory } from './testing/hindsight-process.ts'
import { getJson, postJson } from './testing/http.ts'
import { writePatientProject } from './testing/patient-project.ts'
import { type ServiceProcess, startService } from './testing/service-process.ts'

const landings = Array.from({ length: 100 }, (_, index) => landedFlight(index) as Landing)
type Landing = { keys: { destination: string }; event_time: string }

let directory: ReturnType<typeof createDataDirectory>
let projectDir: string
let running: Set<ServiceProcess>
let env: Record<string, string>

beforeEach(async () => {
  directory = createDataDirectory()
  running = new Set()
  projectDir = writePatientProject(directory.dir)
  env = { HINDSIGHT_DATA_DIR: directory.dir, HINDSIGHT_PROJECT_DIR: projectDir, HINDSIGHT_PORT: '0' }
  const { addresses } = await start('warehouse', { HINDSIGHT_WAREHOUSE_PORT: '0', HINDSIGHT_WAREHOUSE_READ_ONLY_PORT: '0' })
  env['CLICKHOUSE_URL'] = addresses['http'] ?? ''
  env['CLICKHOUSE_PASSWORD'] = readPassword(directory.dir) ?? ''
  await start('logger')
})
afterEach(async () => {
  for (const service of running) service.kill()
  directory.remove()
})

test('a view whose definition has changed makes nothing unready: its features are missing, in answer and event, until it is filled', async () => {
  const features = await start('features')
  const before = await startGateway()
  const path = '/v1/events/flight_landed?wait=applied'
  const { body } = await postJson<AcceptedResponse>(before.url + path, { events: landings })
  expect(body).toMatchObject({ accepted: landings.length, applied: true })
  expect(arrivalsOf(await predict(before.url, 'before'))).toEqual(['ok', landedWithin(3 * 3600)])
  expect(await waitForEmptyLog(directory.dir, 300_000)).toEqual({})
  for (const service of [before.service, features]) expect(await stop(service)).toBe(0)

  await shortenArrivals()
  const { url } = await startGateway()
  expect(await getJson(`${url}/readyz`)).toMatchObject({ status: 200, body: { ready: true, views_not_filled: ['airport_arrivals'] } })
  const meanwhile = await predict(url, 'meanwhile')
  const arrivals = ['origin', 'destination'].flatMap((role) => [`${role}_arrivals_count_3h`, `${role}_arrivals_mean_delay_3h`])
  expect(missingOf(meanwhile.features)).toEqual(Object.fromEntries(arrivals.map((name) => [name, 'not_ready'])))
  expect(meanwhile.features?.find(({ name }) => name === 'origin_departures_count_3h')).toMatchObject({ status: 'ok' })
  expect(missingOf((await stored(url, meanwhile)).features)).toEqual(missingOf(meanwhile.features))

  await start('features')
  await expect.poll(async () => (await getJson(`${url}/readyz`)).body).toMatchObject({ ready: true, views_not_filled: [] })
  const after = await predict(url, 'after')
  expect(arrivalsOf(after)).toEqual(['ok', landedWithin(3600)])
  expect(arrivalsOf(await stored(url, after))).toEqual(arrivalsOf(after))
  expect(missingOf((await stored(url, meanwhile)).features)).toEqual(missingOf(meanwhile.features))
})

const request = flightRequest(1)

/** How many of the landings the hop-aligned window of the request's origin holds. */
function landedWithin(windowSeconds: number): number {
  const anchorMs = Date.parse(request.anchor_time)
  const fromMs = Math.floor((anchorMs - windowSeconds * 1000) / 300_000) * 300_000
  return landings.filter(({ keys, event_time: at }) => keys.destination === request.entities.origin && Date.parse(at) >= fromMs).length
}

/** Shortens a window from three hours to one, with versions that say they were made with it. */
async function shortenArrivals(): Promise<void> {
  const view = join(projectDir, 'features/airport_arrivals.yaml')
  await writeFile(view, (await readFile(view, 'utf8')).replaceAll('window_seconds: 10800', 'window_seconds: 3600'))
  const { featureHashes } = (await loadProject(projectDir)).models.get('flight-delay')!
  for (const version of ['1', '2']) {
    const file = join(projectDir, `flight-delay/${version}/manifest.yaml`)
    const text = await readFile(file, 'utf8')
    const { inputs } = versionManifest.parse(parse(text))
    const names = inputs.flatMap((input) => input.features)
    await writeFile(file, text.replace(/^feature_set_sha256: .*$/m, `feature_set_sha256: ${featureSetSha256(featureHashes, names)}`))
  }
}

type Served = Pick<PredictResponse, 'features'>

function arrivalsOf({ features }: Served | PredictionEvent): unknown[] {
  const count = features?.find(({ name }) => name === 'origin_arrivals_count_3h')
  return [count?.status, count?.value]
}

function missingOf(features: Served['features']): Record<string, string | undefined> {
  return Object.fromEntries(features?.flatMap(({ name, status, reason }) => (status === 'missing' ? [[name, reason]] : [])) ?? [])
}

async function predict(url: string, requestId: string): Promise<PredictResponse> {
  const asked = { ...request, request_id: requestId, options: { return_features: true } }
  const { status, body } = await postJson<PredictResponse>(`${url}/v1/models/flight-delay/predict`, asked)
  expect([status, body]).toMatchObject([200, { status: 'ok', route: 'champion', model_version: '2' }])
  return body
}

async function stored(url: string, { prediction_id: id }: PredictResponse): Promise<PredictionEvent> {
  const read = () => getJson<PredictionEvent>(`${url}/v1/predictions/${id}`)
  await expect.poll(async () => (await read()).status).toBe(200)
  return (await read()).body
}

async function startGateway(): Promise<{ url: string; service: ServiceProcess }> {
  const service = await start('gateway')
  return { url: service.addresses['http'] ?? '', service }
}

async function start(service: ServiceName, own: Record<string, string> = {}): Promise<ServiceProcess> {
  const started = await startService(service, { ...env, ...own })
  running.add(started)
  return started
}

function stop(service: ServiceProcess): Promise<number | null> {
  running.delete(service)
  return service.stop()
}
