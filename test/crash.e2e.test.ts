import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PredictResponse } from '../contracts/http.ts'
import { isAlive } from '../platform/service/process-identity.ts'
import { type ServiceName, serviceNames } from '../platform/service/service.ts'
import { flightRequest } from './testing/flight-requests.ts'
import { type HindsightProcess, createDataDirectory, startHindsight } from './testing/hindsight-process.ts'
import { postJson } from './testing/http.ts'
import { expectParity } from './testing/parity.ts'

/** The services without the forwarder: where there is no broker nothing is forwarded. */
const services = serviceNames.filter((service) => service !== 'forwarder')

const { dir: dataDir, remove } = createDataDirectory()
let hindsight: HindsightProcess
beforeAll(async () => {
  hindsight = await startHindsight({ dataDir })
})
afterAll(async () => {
  await hindsight.stop()
  remove()
})

describe('kill -9 under load', () => {
  test('of each service in turn: answered is a subset of stored, stored of attempted, each once', async () => {
    const load = startLoad('load')
    for (const service of services) {
      const answered = load.answered.size
      const pid = hindsight.pidOf(service)
      process.kill(pid ?? Number.NaN, 'SIGKILL')
      await expect.poll(() => hindsight.pidOf(service) ?? pid, { message: `${service} is started again` }).not.toBe(pid)
      await expect.poll(() => load.answered.size, { message: `answers after the end of ${service}` }).toBeGreaterThan(answered + 50)
    }
    await load.stop()
    await expectParity(load, hindsight)
    for (const service of services) expect(hindsight.output()).toContain(`${service} is back`)
  })

  test('of the supervisor: the services end by themselves, and the next start has everything', async () => {
    const load = startLoad('orphan')
    await expect.poll(() => load.answered.size).toBeGreaterThan(50)
    const pids = services.map((service) => pidOf(service))
    await hindsight.stop('SIGKILL')
    await expect.poll(() => pids.filter((pid) => isAlive({ pid }))).toEqual([])
    await load.stop()
    hindsight = await startHindsight({ dataDir })
    await expectParity(load, hindsight)
  })
})

type Load = { prefix: string; attempted: Set<string>; answered: Map<string, string>; stop(): Promise<void> }

/** The pause between two requests of a connection: services that start again need the machine too. */
const pauseMs = 40

/** Sends requests on eight connections, each under an id of its own, until it is stopped; what is not answered is not sent again. */
function startLoad(prefix: string): Load {
  const attempted = new Set<string>()
  const answered = new Map<string, string>()
  let stopped = false
  let next = 0
  async function send(): Promise<void> {
    while (!stopped) {
      const request = flightRequest(next++, prefix)
      attempted.add(request.request_id)
      try {
        const { status, body } = await postJson<PredictResponse>(`${hindsight.url}/v1/models/flight-delay/predict`, request)
        if (status === 200) answered.set(body.request_id, body.prediction_id)
      } catch {
        // The gateway is gone: it may have stored this request, and has not answered it.
      }
      await wait(pauseMs)
    }
  }
  const senders = Array.from({ length: 8 }, send)
  return {
    prefix,
    attempted,
    answered,
    stop: async () => {
      stopped = true
      await Promise.all(senders)
    },
  }
}

function pidOf(service: ServiceName): number {
  const pid = hindsight.pidOf(service)
  if (pid === undefined) throw new Error(`${service} does not run`)
  return pid
}
