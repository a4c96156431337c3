import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createTestGateway } from '../testing/test-gateway.ts'
import { type Listener, listen } from './listen.ts'

let listener: Listener
let begun: number
let statuses: number[]

beforeEach(async () => {
  const { app } = await createTestGateway()
  begun = 0
  statuses = []
  const fetch = async (request: Request, ...rest: unknown[]) => {
    begun++
    const response = await app.fetch(request, ...(rest as []))
    statuses.push(response.status)
    return response
  }
  listener = await listen(fetch, { host: '127.0.0.1', port: 0 })
})
afterEach(() => listener.close({ withinMs: 100 }))

function open(text: string): Socket {
  const socket = connect(Number(new URL(listener.url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(text)
  return socket
}

async function answerTo(text: string): Promise<string> {
  const socket = open(text)
  let answer = ''
  socket.on('data', (chunk) => (answer += String(chunk)))
  await Promise.race([once(socket, 'close'), once(socket, 'end')])
  socket.destroy()
  return answer
}

const unfinished = (path: string) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 200\r\n\r\n{"en`

it.each(['/v1/models/parcel-delay/predict', '/v2/models/parcel-delay/infer'])(
  'a body that stalls costs the latency budget and no more: %s',
  async (path) => {
    // Past the time for a whole request it would be 408.
    expect(await answerTo(unfinished(path))).toMatch(/^HTTP\/1\.1 504 /)
  },
)

it('a client that hangs up in the middle of its body is no fault of the server', async () => {
  const socket = open(unfinished('/v1/labels'))
  await expect.poll(() => begun).toBe(1)
  socket.destroy()
  await expect.poll(() => statuses).toEqual([499])
})

it.each([
  ['HTTP/1.1 400 Bad Request', 'no HTTP\r\n\r\n'],
  ['HTTP/1.1 400 Bad Request', 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'],
  ['HTTP/1.1 431 Request Header Fields Too Large', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
])('%s has a code and the headers of every answer', async (status, text) => {
  const answer = await answerTo(text)
  expect(answer.split('\r\n')[0]).toBe(status)
  expect(answer).toContain('X-Content-Type-Options: nosniff')
  expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ error: { code: 'invalid_request' } })
})

it('a request before what is not HTTP has its own answer', async () => {
  const body = JSON.stringify({ entities: {}, features: {} })
  const request = `POST /v1/labels HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const answer = await answerTo(`${request}GARBAGE\r\n\r\n`)
  expect(answer).toContain('"code":"invalid_request","message":')
  expect(answer).not.toContain('not a request of HTTP')
  expect(answer.match(/^HTTP/gm)).toHaveLength(1)
})

it.each(['GET /livez HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'])(
  'no URL comes of %j',
  async (text) => {
    const answer = await answerTo(text)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer.toLowerCase()).toContain('x-content-type-options: nosniff')
    expect(answer).toContain('is malformed')
  },
)

it("an old client's health check needs no Host", async () => {
  expect(await answerTo('GET /livez HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /)
})
