import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { predictResponse } from '../contracts/http.ts'
import { openLmdbOnlineStore } from '../platform/online-store/online-store-lmdb.ts'
import { type GatewayProcess, startGatewayProcess } from './testing/gateway-process.ts'
import { readOutbox } from './testing/read-outbox.ts'
import { writeTestProject } from './testing/write-test-project.ts'

let root: string
let dataDir: string
let gateway: GatewayProcess | undefined

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hindsight-gateway-drain-'))
  dataDir = join(root, 'data')
  await writeTestProject(join(root, 'project'))
  await openLmdbOnlineStore({ dir: join(dataDir, 'online-store') }).close()
})
afterEach(async () => {
  await gateway?.stop('SIGKILL')
  await rm(root, { recursive: true, force: true })
})

const start = async (env: Record<string, string>) =>
  (gateway = await startGatewayProcess({ projectDir: join(root, 'project'), dataDir, env: { HINDSIGHT_WRITER_ID: 'gateway-7', ...env } }))

const predict = (url: string) =>
  fetch(`${url}/v1/models/basket/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ entities: { shop: 1 }, features: { price: 1 } }),
  })

it('says at once that it is to stop, goes on answering for the delay, then ends with 0', async () => {
  const delayMs = 6_000
  const { url, stop } = await start({ HINDSIGHT_DRAIN_DELAY_MS: String(delayMs) })
  expect(await readdir(join(dataDir, 'run'))).toEqual(['gateway.gateway-7.json'])
  expect((await predict(url)).headers.get('connection')).not.toBe('close')
  const signalledAt = performance.now()
  const ended = stop()
  await expect.poll(async () => (await fetch(`${url}/readyz`)).status, { interval: 5 }).toBe(503)
  // This answer already asks for its connection to be closed: at the end of the delay it would be the last one.
  const answer = await predict(url)
  expect([answer.status, answer.headers.get('connection')]).toEqual([200, 'close'])
  expect(await ended).toBe(0)
  expect(performance.now() - signalledAt).toBeGreaterThan(delayMs)
  expect(await readdir(join(dataDir, 'run'))).toEqual([])
  const { prediction_id: id } = predictResponse.parse(await answer.json())
  expect((await readOutbox(dataDir)).map((record) => record.id)).toContain(id)
})

it('ends in time, which is with 0, although a client never sends the rest of its request', async () => {
  const { url, stop } = await start({ HINDSIGHT_DRAIN_TIMEOUT_MS: '8000' })
  const socket = await sendHalf(url)
  expect(await stop()).toBe(0)
  socket.destroy()
})

it('refuses a delay that leaves no time to drain', async () => {
  await expect(start({ HINDSIGHT_DRAIN_DELAY_MS: '3000', HINDSIGHT_DRAIN_TIMEOUT_MS: '3000' })).rejects.toThrow('HINDSIGHT_DRAIN_DELAY_MS')
})

/** A request that the gateway waits for the end of, on a connection of its own. */
async function sendHalf(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const head =
    'POST /v1/labels HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n'
  socket.write(head)
  // The gateway has read the head once it asks for the body.
  await once(socket, 'data')
  socket.write('{"label":')
  return socket
}
