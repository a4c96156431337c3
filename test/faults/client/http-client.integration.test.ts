import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createHttpClient, type HttpClient } from './http-client.ts'

const timeoutMs = 2000

/** Set by either side, in this order: the request is there; the client reads nothing from here on; the answer is in its kernel. */
const steps = { received: 0, heldUp: 1, answered: 2 }

/** The server runs on a thread of its own, so that it answers while the client's is held up. */
const server = `
const { parentPort, workerData: { flags, steps } } = require('node:worker_threads')
const listener = require('node:http').createServer((request, response) => {
  request.resume().once('end', () => {
    if (request.url === '/silent') return
    if (request.url === '/while-held-up') {
      Atomics.store(flags, steps.received, 1)
      Atomics.wait(flags, steps.heldUp, 0)
    }
    response.end('{}', () => {
      Atomics.store(flags, steps.answered, 1)
      Atomics.notify(flags, steps.answered)
    })
  })
})
listener.listen(0, '127.0.0.1', () => parentPort.postMessage(listener.address()))`

let flags: Int32Array
let worker: Worker
let port: number
let client: HttpClient

beforeEach(async () => {
  flags = new Int32Array(new SharedArrayBuffer(4 * Object.keys(steps).length))
  worker = new Worker(server, { eval: true, workerData: { flags, steps } })
  port = ((await once(worker, 'message')) as [AddressInfo])[0].port
  client = createHttpClient({ port, timeoutMs, maxConnections: 4, keepAlive: true })
})
afterEach(async () => {
  client.close()
  await worker.terminate()
})

test('what arrived while the client was held up past its time-out is an answer', async () => {
  const sentAt = performance.now()
  const answer = client.post('/while-held-up', {})
  while (Atomics.load(flags, steps.received) === 0) await turn()
  Atomics.store(flags, steps.heldUp, 1)
  Atomics.notify(flags, steps.heldUp)
  Atomics.wait(flags, steps.answered, 0)
  while (performance.now() < sentAt + 2 * timeoutMs);
  await expect(answer).resolves.toEqual({ status: 200, body: {} })
})

test('what does not arrive is given up', async () => {
  await expect(client.post('/silent', {})).rejects.toMatchObject({ code: 'gave_up' })
})

test('what waits for a connection is not given up', async () => {
  client.close()
  client = createHttpClient({ port, timeoutMs, maxConnections: 1, keepAlive: true })
  const silent = client.post('/silent', {})
  const answered = client.post('/answered', {})
  await expect(silent).rejects.toMatchObject({ code: 'gave_up' })
  await expect(answered).resolves.toEqual({ status: 200, body: {} })
})
