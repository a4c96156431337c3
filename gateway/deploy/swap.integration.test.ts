import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deploymentState, type DeploymentState } from '../../contracts/deployment.ts'
import { predictionEventV1 } from '../../contracts/prediction-event.ts'
import { type GatewayProcess, startGatewayProcess } from '../testing/gateway-process.ts'
import { startPredictLoad } from '../testing/predict-load.ts'
import { bodyOf, readOutbox } from '../testing/read-outbox.ts'
import { writeTestProject } from '../testing/write-test-project.ts'
import { casesOf } from '../../test/testing/full-run.ts'

const swaps = casesOf({ few: 6, all: Number(process.env['HINDSIGHT_TEST_SWAPS'] ?? 50) })
/**
 * Memory is judged in the full run alone, for the heap and the compiler settle in the first twenty: 200 swaps end where
 * 20 do, and in between it is some percent more or less.
 */
const settledAfter = 20
const mayGrow = 0.1

describe('swapping versions under load', () => {
  let root: string
  let gateway: GatewayProcess
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'hindsight-swap-'))
    const project = { projectDir: join(root, 'project'), dataDir: join(root, 'data') }
    await writeTestProject(project.projectDir)
    gateway = await startGatewayProcess({ ...project, env: { HINDSIGHT_INFERENCE_THREADS: '2' } })
  })
  afterEach(async () => {
    await gateway.stop('SIGKILL')
    await rm(root, { recursive: true, force: true })
  })

  async function put(change: object): Promise<DeploymentState> {
    const response = await fetch(`${gateway.admin}/v1/models/basket/deployment`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ loaded: 'deployed', reason: 'a test', ...change }),
    })
    expect(response.status, await response.clone().text()).toBe(200)
    return deploymentState.parse(await response.json())
  }

  async function loadedVersions(): Promise<string[]> {
    const response = await fetch(`${gateway.url}/v1/models/basket`)
    const { versions } = (await response.json()) as { versions: { version: string }[] }
    return versions.map(({ version }) => version)
  }

  async function pidOf(): Promise<number> {
    return ((await (await fetch(`${gateway.admin}/status`)).json()) as { pid: number }).pid
  }

  it(`costs no request in ${swaps} swaps and mixes none; many leave memory flat`, async () => {
    const pid = await pidOf()
    const body = { entities: { shop: '7' }, features: { price: 1 } }
    const load = startPredictLoad({ url: gateway.url, model: 'basket', body, clients: 2 })
    const rssKb: number[] = []
    for (let turn = 0; turn < swaps; turn++) {
      const champion = turn % 2 === 0 ? '2' : '1'
      const { deployment } = await put({ champion })
      expect(deployment).toMatchObject({ champion, revision: turn + 2, author: 'local' })
      expect(await loadedVersions()).toEqual([champion])
      await load.answered(20)
      rssKb.push(residentKb(pid))
    }
    const { answers, failures } = await load.stop()
    expect(failures).toEqual([])
    expect(answers.size).toBeGreaterThan(20 * swaps)
    expect(await gateway.stop()).toBe(0)
    const events = new Map((await readOutbox(join(root, 'data'))).map(toEvent).map((event) => [event.prediction_id, event]))
    for (const [id, version] of answers) expect(events.get(id)).toMatchObject({ model_version: version, status: 'ok' })
    for (const event of events.values()) {
      const champion = event.deployment_revision % 2 === 0 ? '2' : '1'
      if (event.route === 'champion') expect(event.model_version).toBe(champion)
    }
    if (swaps < settledAfter + 20) return
    const [early, late] = [middleOf(rssKb.slice(settledAfter, settledAfter + 10)), middleOf(rssKb.slice(-10))]
    process.stdout.write(`${swaps} swaps, ${answers.size} answers: ${early} kB after ${settledAfter} swaps, ${late} kB at the end\n`)
    expect(late / early - 1).toBeLessThan(mayGrow)
  })
})

function toEvent(record: Awaited<ReturnType<typeof readOutbox>>[number]) {
  return predictionEventV1.parse(bodyOf(record))
}

function residentKb(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }))
}

function middleOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
