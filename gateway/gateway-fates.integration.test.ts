import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { errorBody, predictBatchResponse, predictResponse } from '../contracts/http.ts'
import { predictionEventV1, type PredictionEvent } from '../contracts/prediction-event.ts'
import { openLmdbOnlineStore } from '../platform/online-store/online-store-lmdb.ts'
import { armFailpoint } from '../platform/service/failpoint.ts'
import { type GatewayProcess, startGatewayProcess } from './testing/gateway-process.ts'
import { fateRecordsIn, fatesIn, readFates } from './testing/read-fates.ts'
import { bodyOf, readRecords } from './testing/read-outbox.ts'
import { writeTestProject } from './testing/write-test-project.ts'
import { casesOf } from '../test/testing/full-run.ts'

const soon = { timeout: 180_000, interval: 50 }

let root: string
let dataDir: string
let failpoints: string
let gateway: GatewayProcess | undefined

/** One outbox, which the tests share: each asks for the fates of its own predictions. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hindsight-gateway-fates-'))
  dataDir = join(root, 'data')
  failpoints = join(root, 'failpoints')
  await mkdir(failpoints)
  await writeTestProject(join(root, 'project'))
  await openLmdbOnlineStore({ dir: join(dataDir, 'online-store') }).close()
})
beforeEach(async () => {
  if (gateway === undefined) await start()
})
afterAll(async () => {
  await gateway?.stop('SIGKILL')
  await rm(root, { recursive: true, force: true })
})

async function start(): Promise<void> {
  gateway = await startGatewayProcess({ projectDir: join(root, 'project'), dataDir, env: { HINDSIGHT_FAILPOINTS: failpoints } })
}

/** Resolves with its exit status; the next test starts another. */
async function stop(): Promise<number | null | undefined> {
  const status = await gateway?.stop()
  gateway = undefined
  return status
}

const instance = { entities: { shop: 1 }, features: { price: 1 } }

function post(body: object, agent?: Agent): ClientRequest {
  const sent = request(`${gateway?.url}/v1/models/basket/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    ...(agent !== undefined && { agent }),
  })
  sent.end(JSON.stringify(body))
  return sent
}

async function predict(body: object = instance, agent?: Agent): Promise<{ status: number; body: string }> {
  const [response] = (await once(post(body, agent), 'response')) as [IncomingMessage]
  return { status: response.statusCode ?? 0, body: await text(response) }
}

const idOf = ({ body }: { body: string }) => predictResponse.parse(JSON.parse(body)).prediction_id
const fateOf = async (id: string) => (await readFates(dataDir)).get(id)

describe('what was answered is known to be', () => {
  it('of a gateway that goes quiet, in a moment and without another request', async () => {
    const ids = [idOf(await predict()), idOf(await predict())]
    const [last] = ids.slice(-1) as [string]
    await expect.poll(() => fateOf(last), soon).toBe('answered')
    expect(await fateOf(ids[0]!)).toBe('answered')
    const { length } = await readRecords(dataDir, { lanes: ['predictions'] })
    expect(fateRecordsIn(await readRecords(dataDir)).length).toBeLessThanOrEqual(2)
    // The log stays quiet: nothing becomes known that was not said.
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(await readRecords(dataDir, { lanes: ['predictions'] })).toHaveLength(length)
  })

  it('of one that drains, to the last', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => predict()))
    const batch = predictBatchResponse.parse(JSON.parse((await predict({ instances: Array.from({ length: 20 }, () => instance) })).body))
    expect(await stop()).toBe(0)
    const fates = await readFates(dataDir)
    const ids = [...answers.map(idOf), ...batch.predictions.flatMap((one) => ('prediction_id' in one ? one.prediction_id : []))]
    expect(ids).toHaveLength(50)
    expect(ids.map((id) => fates.get(id))).toEqual(ids.map(() => 'answered'))
    expect([...fates.values()]).not.toContain('unknown')
  })
})

/** Deadlines that pass at any stage, clients that leave at any moment, and a gateway that is drained in the middle. */
describe('under load, with deadlines and hang-ups at any moment', () => {
  it('the ledger says of no prediction what its client did not see', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 48 })
    const seen = { whole: new Set<string>(), late: new Set<string>(), gone: new Set<string>() }
    const one = async (n: number): Promise<void> => {
      const requestId = `r-${n}`
      const sent = post({ request_id: requestId, ...instance, ...(n % 2 === 0 && { options: { timeout_ms: 2 + (n % 17) } }) }, agent)
      if (n % 5 === 0) setTimeout(() => sent.destroy(), n % 13)
      try {
        const [response] = (await once(sent, 'response')) as [IncomingMessage]
        const body = await text(response)
        if (response.statusCode === 200) seen.whole.add(requestId)
        else if (errorBody.parse(JSON.parse(body)).error.code === 'deadline_exceeded') seen.late.add(requestId)
      } catch {
        seen.gone.add(requestId)
      }
    }
    for (let n = 0; n < casesOf({ few: 600, all: 1_500 }); n += 60)
      await Promise.all(Array.from({ length: 60 }, (_, index) => one(n + index)))
    expect(await stop()).toBe(0)
    agent.destroy()

    const records = await readRecords(dataDir, { lanes: ['predictions'] })
    const fates = fatesIn(records)
    const events = records.flatMap((record): PredictionEvent[] =>
      record.kind === 'event' ? [predictionEventV1.parse(bodyOf(record))] : [],
    )
    const served = events.filter(({ route }) => route !== 'shadow')
    const fatesBy = (ids: ReadonlySet<string>) => {
      const own = served.filter(({ request_id: id }) => ids.has(id))
      return own.map((event) => `${event.status}: ${fates.get(event.prediction_id)}`)
    }
    expect(fatesBy(seen.whole)).toEqual([...seen.whole].map(() => 'ok: answered'))
    for (const fate of fatesBy(seen.late)) expect(['ok: unanswered: deadline', 'error: answered']).toContain(fate)
    // The answer, or the word that it is late, may have been on its way.
    for (const fate of fatesBy(seen.gone)) expect(fate).toMatch(/^\w+: (answered|unanswered: (client_gone|deadline))$/)
    expect([seen.whole.size, seen.gone.size].every((size) => size > 20)).toBe(true)
    expect([...fates.values()]).not.toContain('unknown')
  })
})

/** The last group: what it leaves is unknown for good. */
describe('what nobody can know', () => {
  it('is unknown: a gateway that is killed between commit and answer', async () => {
    const earlier = await readFates(dataDir)
    const before = idOf(await predict())
    await expect.poll(() => fateOf(before), soon).toBe('answered')
    armFailpoint(failpoints, 'gateway.after_commit')
    await expect(predict()).rejects.toThrow(/socket hang up|ECONNRESET/)
    await start()
    const after = idOf(await predict())
    await expect.poll(() => fateOf(after), soon).toBe('answered')
    const served = [...(await readFates(dataDir))].filter(([id, fate]) => fate !== null && !earlier.has(id))
    const states = served.map(([, fate]) => String(fate))
    expect(states.toSorted((a, b) => a.localeCompare(b))).toEqual(['answered', 'answered', 'unknown'])
    expect(new Map(served).get(before)).toBe('answered')
  })
})
