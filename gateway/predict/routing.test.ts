import { describe, expect, it } from 'vitest'
import { predictionEventV1 } from '../../contracts/prediction-event.ts'
import { predictBatchResponse, predictResponse } from '../../contracts/http.ts'
import { createTestGateway } from '../testing/test-gateway.ts'

const path = '/v1/models/parcel-delay/predict'
const challengers = [
  { version: '2', weight: 0.25 },
  { version: '3', weight: 0.25 },
]
const senders = Array.from({ length: 60 }, (_, index) => `sender-${index}`)
const probabilityOf = { champion: 0.5, challenger: 0.25 } as Record<string, number>

const instanceOf = (sender: string) => ({ entities: { sender }, anchor: 'sent', features: { weight: 30 } })

function start(deployment: object = {}) {
  return createTestGateway({ deployment: { champion: '1', challengers, shadows: [], ...deployment } })
}

type Gateway = Awaited<ReturnType<typeof start>>

function eventsOf({ log }: Gateway) {
  return log.inLane('predictions').map(({ body }) => predictionEventV1.parse(body))
}

async function versionFor(gateway: Gateway, body: object): Promise<string> {
  return predictResponse.parse(await (await gateway.send(path, body)).json()).model_version
}

describe('challengers', () => {
  it('answer their part of requests; the event says who, how likely that was and by which revision', async () => {
    const gateway = await start()
    for (let id = 0; id < 60; id++) await versionFor(gateway, { request_id: `r-${id}`, ...instanceOf('7') })
    const events = eventsOf(gateway)
    expect(new Set(events.map(({ model_version: version }) => version))).toEqual(new Set(['1', '2', '3']))
    for (const event of events) {
      expect(event.route).toBe(event.model_version === '1' ? 'champion' : 'challenger')
      expect(event).toMatchObject({ route_probability: probabilityOf[event.route], deployment_revision: 3 })
    }
  })

  it('stay with an entity, whatever the request and its form', async () => {
    const gateway = await start({ sticky_key: 'sender' })
    const alone: string[] = []
    for (const sender of senders) alone.push(await versionFor(gateway, instanceOf(sender)))
    expect(new Set(alone).size).toBe(3)
    const together = await gateway.send(path, { instances: senders.map(instanceOf) })
    const { predictions } = predictBatchResponse.parse(await together.json())
    expect(predictions.map((one) => ('model_version' in one ? one.model_version : one.error.code))).toEqual(alone)
    const recorded = eventsOf(gateway).slice(senders.length)
    expect(recorded.map(({ entities, model_version: version, index }) => [entities['sender'], version, index])).toEqual(
      senders.map((sender, index) => [sender, alone[index], index]),
    )
  })

  it('go by the request id where the entity is not named', async () => {
    const gateway = await start({ sticky_key: 'depot' })
    const versions = new Set<string>()
    for (let attempt = 0; attempt < 8; attempt++) versions.add(await versionFor(gateway, { request_id: 'same', ...instanceOf('7') }))
    expect(versions.size).toBe(1)
  })

  it('leave their part to the champion where they are not served', async () => {
    const gateway = await start({ challengers: [{ version: '4', weight: 0.9 }] })
    for (const sender of senders.slice(0, 10)) expect(await versionFor(gateway, instanceOf(sender))).toBe('1')
    expect(eventsOf(gateway).every((event) => event.route === 'champion' && event.route_probability === 1)).toBe(true)
  })

  it('do not answer who pins a version', async () => {
    const gateway = await start({ challengers: [{ version: '2', weight: 0.99 }] })
    expect(await versionFor(gateway, { ...instanceOf('7'), options: { version: '3' } })).toBe('3')
  })
})
