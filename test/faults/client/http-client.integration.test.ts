import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createHttpClient, type HttpClient } from './http-client.ts'

const timeoutMs = 300

/** On a thread of its own: it answers while the client's is held up. */
const server = `
const { parentPort } = require('node:worker_threads')
const listener = require('node:http').createServer((request, response) => {
  request.resume().once('end', () => request.url === '/answered' && setTimeout(() => response.end('{}'), 50))
})
listener.listen(0, '127.0.0.1', () => parentPort.postMessage(listener.address()))`

let worker: Worker
let port: number
let client: HttpClient

beforeEach(async () => {
  worker = new Worker(server, { eval: true })
  port = ((await once(worker, 'message')) as [AddressInfo])[0].port
  client = createHttpClient({ port, timeoutMs, maxConnections: 4, keepAlive: true })
})
afterEach(async () => {
  client.close()
  await worker.terminate()
})

test('what arrived while the client was held up past its time-out is an answer', async () => {
  const answer = client.post('/answered', {})
  // The request leaves first; then nothing of this thread goes on, and the timer is due before anything is read.
  for (const until = performance.now() + 20; performance.now() < until; await turn());
  for (const until = performance.now() + 2 * timeoutMs; performance.now() < until;);
  await expect(answer).resolves.toEqual({ status: 200, body: {} })
})

test('what does not arrive is given up', async () => {
  await expect(client.post('/silent', {})).rejects.toMatchObject({ code: 'gave_up' })
})

test('what waits for a connection is not given up', async () => {
  client.close()
  client = createHttpClient({ port, timeoutMs: 10 * timeoutMs, maxConnections: 1, keepAlive: true })
  const silent = client.post('/silent', {})
  const answered = client.post('/answered', {})
  await expect(silent).rejects.toMatchObject({ code: 'gave_up' })
  await expect(answered).resolves.toEqual({ status: 200, body: {} })
})
