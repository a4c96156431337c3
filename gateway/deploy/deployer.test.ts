import { describe, expect, it } from 'vitest'
import { deployment as deploymentContract } from '../../contracts/deployment.ts'
import { predictResponse } from '../../contracts/http.ts'
import { predictionEventV1 } from '../../contracts/prediction-event.ts'
import { createInstruments } from '../../platform/service/instruments.ts'
import { createTestGateway } from '../testing/test-gateway.ts'
import { observeDeployments } from '../metrics/deployment-metrics.ts'
import type { Deployer } from './deployer.ts'
import { deploymentStates } from '../status/model-status.ts'

const model = 'parcel-delay'
const body = { entities: { depot: 'BER' }, anchor: 'sent', features: { weight: 30 } }

type Options = Parameters<typeof createTestGateway>[0]

/** Revision 3 with champion 1 and shadow 2; 3 is good too, 4 is refused in the folder. */
async function start(options: Options = {}) {
  const gateway = await createTestGateway(options)
  const predict = async (options: object = {}) => gateway.send(`/v1/models/${model}/predict`, { ...body, options })
  const answeredBy = async (): Promise<string> => predictResponse.parse(await (await predict()).json()).model_version
  const change = (to: object) => gateway.deployer.change(model, { reason: 'a test', ...to }, 'ana')
  const sessions = () => [...gateway.engine.sessions].toSorted()
  return { ...gateway, predict, answeredBy, change, sessions }
}

it('a version that the deployment names and that is not there is told of', async () => {
  const { deployer } = await start({ deployment: { champion: '9' } })
  const { unserved } = await deployer.state(model)
  expect(unserved).toEqual([{ version: '9', reason: expect.stringContaining('not in the project') as string }])
  expect(deploymentMetrics(deployer)).toMatchObject({ hindsight_deployment_unserved: 1 })
})

describe('a change of the deployment', () => {
  it('counts from the next request on, and keeps who, why, when and what was before', async () => {
    const gateway = await start({ now: () => Date.parse('2001-06-04T12:00:00Z') })
    expect(await gateway.answeredBy()).toBe('1')
    await gateway.background.settled()
    const { deployment, history } = await gateway.change({ champion: '3', based_on: 3 })
    const changed = { author: 'ana', reason: 'a test', changed_at: '2001-06-04T12:00:00.000Z' }
    expect(deployment).toEqual({ revision: 4, champion: '3', challengers: [], shadows: [], loaded: 'all', ...changed })
    expect(history.map(({ revision, champion }) => [revision, champion])).toEqual([
      [4, '3'],
      [3, '1'],
    ])
    expect(await gateway.answeredBy()).toBe('3')
    await gateway.background.settled()
    const events = gateway.log.inLane('predictions').map((record) => predictionEventV1.parse(record.body))
    expect(events.map((event) => [event.model_version, event.route, event.deployment_revision])).toEqual([
      ['1', 'champion', 3],
      ['2', 'shadow', 3],
      ['3', 'champion', 4],
    ])
  })

  it.each([
    ['a version that is not there', { champion: '9' }, { code: 'invalid_request', path: 'champion' }],
    ['a version that was refused', { champion: '1', shadows: ['4'] }, { code: 'unknown_version', path: 'shadows[0]' }],
    ['a version whose file does not load', { champion: '3' }, { code: 'unknown_version', path: 'champion' }],
    [
      'weights that leave nothing',
      {
        champion: '1',
        challengers: [
          { version: '2', weight: 0.9 },
          { version: '3', weight: 0.1 },
        ],
      },
      { code: 'invalid_request', path: 'challengers' },
    ],
    ['another revision than stands', { champion: '2', based_on: 2 }, { code: 'deployment_conflict', path: 'based_on' }],
    ['no reason', { champion: '2', reason: ' ' }, { code: 'invalid_request', path: 'reason' }],
    ['a field that it does not have', { champion: '2', canary: 1 }, { code: 'invalid_request', path: 'canary' }],
  ])('is refused for %s, and nothing changes', async (_, to, error) => {
    const gateway = await start({ broken: ['3'] })
    await expect(gateway.change(to)).rejects.toMatchObject(error)
    expect(await gateway.deployer.state(model)).toMatchObject({ deployment: { revision: 3, champion: '1' }, history: [] })
    expect(await gateway.answeredBy()).toBe('1')
  })

  it('comes after what another gateway has put, or conflicts with it', async () => {
    const gateway = await start()
    const changes = await Promise.allSettled([
      gateway.change({ champion: '2', based_on: 3 }),
      gateway.change({ champion: '3', based_on: 3 }),
    ])
    expect(changes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect((await gateway.change({ champion: '3' })).deployment.revision).toBe(5)
  })

  it('is followed when another gateway was told', async () => {
    const gateway = await start()
    await gateway.deployments.put(model, deploymentContract.parse({ revision: 7, champion: '3' }))
    await expect.poll(gateway.answeredBy).toBe('3')
    await gateway.deployments.put(model, deploymentContract.parse({ revision: 8, champion: '4' }))
    await expect
      .poll(() => gateway.deployer.state(model))
      .toMatchObject({
        deployment: { revision: 7 },
        waiting: { deployment: { revision: 8, champion: '4' }, reason: expect.stringContaining('external data') },
      })
    expect(await gateway.answeredBy()).toBe('3')
    expect(deploymentMetrics(gateway.deployer)).toEqual({
      hindsight_deployment_revision: 7,
      hindsight_deployment_unserved: 0,
      hindsight_deployment_waiting: 1,
    })
    expect((await gateway.change({ champion: '2' })).waiting).toBeUndefined()
    expect(deploymentMetrics(gateway.deployer)).toEqual({
      hindsight_deployment_revision: 9,
      hindsight_deployment_unserved: 0,
      hindsight_deployment_waiting: 0,
    })
  })
})

describe('with the deployed versions only in memory', () => {
  it('others are neither loaded nor pinned, and are loaded before they answer', async () => {
    const gateway = await start({ deployment: { loaded: 'deployed' } })
    expect(gateway.sessions()).toEqual([`${model}/1`, `${model}/2`])
    expect((await gateway.predict({ version: '3' })).status).toBe(404)
    await gateway.change({ champion: '3', shadows: ['2'], loaded: 'deployed' })
    expect(await gateway.answeredBy()).toBe('3')
    await expect.poll(gateway.sessions).toEqual([`${model}/2`, `${model}/3`])
  })

  const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

  it('one is unloaded when the last request that found it is answered, and not before', async () => {
    const gateway = await start({ deployment: { loaded: 'deployed', shadows: [] } })
    gateway.log.hold()
    const asked = gateway.predict()
    await expect.poll(() => gateway.engine.runs.length).toBeGreaterThan(0)
    await gateway.change({ champion: '3', loaded: 'deployed' })
    await nextTurn()
    expect(gateway.sessions()).toEqual([`${model}/1`, `${model}/3`])
    gateway.log.release()
    expect(predictResponse.parse(await (await asked).json()).model_version).toBe('1')
    await expect.poll(gateway.sessions).toEqual([`${model}/3`])
  })

  it('one is unloaded when its last shadow run is over, and not before', async () => {
    const gateway = await start({ deployment: { loaded: 'deployed' } })
    gateway.log.hold()
    gateway.engine.runs.length = 0
    const asked = gateway.predict()
    await expect.poll(() => gateway.engine.runs.length).toBeGreaterThan(0)
    await gateway.change({ champion: '3', loaded: 'deployed' })
    gateway.engine.behave('hang')
    gateway.log.release()
    await asked
    await nextTurn()
    expect(gateway.sessions()).toEqual([`${model}/1`, `${model}/2`, `${model}/3`])
    await gateway.background.settled()
    const events = gateway.log.inLane('predictions').map((record) => predictionEventV1.parse(record.body))
    expect(events.find(({ route }) => route === 'shadow')).toMatchObject({ model_version: '2', error_code: 'deadline_exceeded' })
    await expect.poll(gateway.sessions).toEqual([`${model}/3`])
  })

  it('one that is wanted again meanwhile stays', async () => {
    const gateway = await start({ deployment: { loaded: 'deployed', shadows: [] } })
    for (const champion of ['2', '1', '3', '1']) await gateway.change({ champion, loaded: 'deployed' })
    await expect.poll(gateway.sessions).toEqual([`${model}/1`])
    expect(await gateway.answeredBy()).toBe('1')
  })
})

/** What is shown of the model's deployment, by the metric's name. */
function deploymentMetrics(deployer: Pick<Deployer, 'models' | 'waiting'>): Record<string, unknown> {
  const instruments = createInstruments()
  observeDeployments(instruments, () => deploymentStates(deployer))
  const shown = instruments.families().map(({ name, read }) => [name, [...read()].find(({ labels }) => labels[0] === model)?.value])
  return Object.fromEntries(shown) as Record<string, unknown>
}
