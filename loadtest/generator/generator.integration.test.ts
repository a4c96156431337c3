import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import type { Answer } from './answer.ts'
import { createClient } from './client.ts'
import { runClosedLoop } from './closed-loop.ts'
import { startOpenLoop } from './open-loop.ts'
import { countAnswer, createTally, toPart } from './tally.ts'

const bodies = ['{"n":1}', '{"n":2}']

async function startClient(listener: RequestListener, mostConnections?: number) {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/predict`
  const client = createClient({ url, bodies, key: 'secret', ...(mostConnections !== undefined && { mostConnections }) })
  onTestFinished(() => {
    client.close()
    server.close()
    server.closeAllConnections()
  })
  return client
}

it('sends the bodies in turn, and counts answers, refusals and what is neither', async () => {
  const got: string[] = []
  const client = await startClient((request, response) => {
    request.on('data', (body: Buffer) => {
      got.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`)
      if (got.length === 1) response.writeHead(200).end('{}')
      else if (got.length === 2) response.writeHead(503, { 'retry-after': '1', connection: 'close' }).end('busy')
      else if (got.length === 3) response.writeHead(503).end()
      else request.socket.destroy()
    })
  })
  const tally = createTally()
  for (let request = 0; request < 4; request++) countAnswer(tally, await new Promise<Answer>((resolve) => client.send(resolve)), request)
  expect(got.slice(0, 3)).toEqual([1, 2, 1].map((n) => `POST /predict Bearer secret {"n":${n}}`))
  expect(tally).toMatchObject({ answeredMs: [0], refusedMs: [1] })
  expect([...tally.others]).toEqual([
    [503, 1],
    [0, 1],
  ])
})

it('has as many requests under way in a closed loop as it has clients', async () => {
  const clients = 3
  const held: ServerResponse[] = []
  let [underWay, most] = [0, 0]
  const client = await startClient((_request, response) => {
    underWay += 1
    most = Math.max(most, underWay)
    response.on('finish', () => (underWay -= 1))
    // The first are held until all clients have asked; the others are answered at once.
    if (held.push(response) === clients) for (const one of held) one.end('ok')
    else if (held.length > clients) response.end('ok')
  })
  const { tally } = await runClosedLoop(client, { clients, seconds: 0.5 })
  expect(most).toBe(clients)
  expect(tally.answeredMs).toHaveLength(tally.sent)
})

it('keeps the rate of an open loop while a server is slow, and counts its pause for all that were due', async () => {
  const pauseMs = 300
  let pausedUntil: number | undefined
  const client = await startClient((_request, response) => {
    pausedUntil ??= performance.now() + pauseMs
    setTimeout(() => response.end('ok'), Math.max(0, pausedUntil - performance.now()))
  }, 2)
  const load = startOpenLoop(client, 200)
  await sleep(2 * pauseMs)
  load.stop()
  const tally = await load.part()
  expect(tally.sent).toBeGreaterThan(0.9 * 2 * pauseMs * 0.2)
  expect(tally.answeredMs).toHaveLength(tally.sent)
  // Of a pause of 300 ms, those that are due in its first half wait for 150 ms or longer, though two connections could not send them.
  expect(tally.answeredMs.filter((ms) => ms >= pauseMs / 2).length).toBeGreaterThanOrEqual((pauseMs / 2) * 0.2)
  expect(toPart(tally)).toMatchObject({ sent: tally.sent, failed: 0 })
})
