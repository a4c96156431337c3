import { createServer, type IncomingMessage, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Flight } from '../../models/flight-delay/train/flights.ts'
import { joinReplays, replayDay, type ReplayResult } from './replay-day.ts'
import type { ReplayPlan } from './replay-plan.ts'
import type { StoredIds } from './stored-ids.ts'

type Seen = { path: string; ids: string[]; key?: string }
type Reply = { status: number; body: object; headers?: Record<string, string> }

let server: Server
let url: string
let seen: Seen[]
/** What the server answers to a request; by default that all is well. */
let reply: (seen: Seen) => Reply | 'hang up' | undefined | Promise<undefined>

beforeEach(async () => {
  seen = []
  reply = () => undefined
  server = createServer((request, response) => {
    void readSeen(request).then(async (one) => {
      seen.push(one)
      const answer = (await reply(one)) ?? {
        status: one.path.includes('predict') ? 200 : 202,
        body: { accepted: one.ids.length, rejected: [], applied: true },
      }
      if (answer === 'hang up') response.destroy()
      else response.writeHead(answer.status, answer.headers).end(JSON.stringify(answer.body))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.close()
  server.closeAllConnections()
})

async function readSeen(request: IncomingMessage): Promise<Seen> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, { event_id?: string; label_id?: string }[]> & {
    request_id?: string
  }
  const items = body['events'] ?? body['labels']
  const key = request.headers['idempotency-key']
  return {
    path: request.url!,
    ...(typeof key === 'string' && { key }),
    ids: items?.map((item) => item.event_id ?? item.label_id ?? '') ?? [String(body.request_id)],
  }
}

const whole = { attempts: 1, counted: 1, unanswered: 0, repeated: 0, isWhole: true }
const none: StoredIds = { predictions: new Map(), events: new Set(), labels: new Set() }

function flight(id: string, delayMinutes = 0): Flight {
  return { id, origin: 'SFO', destination: 'LAX', distance: 337, departureMs: 0, landingMs: 1, delayMinutes, late: delayMinutes >= 15 }
}

function planOf(...steps: { landings?: Flight[]; departures?: Flight[] }[]): ReplayPlan {
  const whole = steps.map(({ landings = [], departures = [] }, index) => ({ startMs: index * 300_000, landings, departures }))
  const flights = whole.flatMap(({ departures }) => departures)
  const times = { anchorFromMs: 0, anchorToMs: 1, landingFromMs: 0, landingToMs: 1 }
  return { steps: whole, flights, ...times, isPossible: ({ delayMinutes }) => delayMinutes <= 600 }
}

function replay(plan: ReplayPlan, stored = none): Promise<ReplayResult> {
  return replayDay({ plan, gatewayUrl: url, stored, concurrency: 4 })
}

describe('replayDay', () => {
  test('predicts a step only when its landings are applied, and labels at the end', async () => {
    const plan = planOf({ landings: [flight('a')] }, { landings: [flight('b')], departures: [flight('x'), flight('y')] })
    let applied = 0
    reply = ({ path }) =>
      path.includes('events') && ++applied === 1 ? { status: 202, body: { accepted: 1, rejected: [], applied: false } } : undefined
    const result = await replay(plan)
    expect(seen.map(({ ids }) => ids.toSorted())).toEqual([
      ['a'],
      ['a'],
      ['b'],
      [expect.stringMatching(/x|y/)],
      [expect.stringMatching(/x|y/)],
      ['x', 'y'],
    ])
    expect(result).toMatchObject({ flights: 2, skipped: 0, eventsSent: 2, labelsSent: 2, unanswered: {} })
    expect(result.answered.toSorted()).toEqual(['x', 'y'])
    expect(result.latenciesMs).toHaveLength(2)
  })

  test('the clock waits for a slow online store', async () => {
    const steps = ['a', 'b', 'c'].map((id) => ({ landings: [flight(id)], departures: [flight(`after ${id}`)] }))
    const applied: string[] = []
    const appliedBefore = new Map<string, string[]>()
    reply = async ({ path, ids: [id = ''] }) => {
      if (path.includes('predict')) appliedBefore.set(id, [...applied])
      if (!path.includes('events')) return
      await delay(30)
      applied.push(id)
    }
    await replay(planOf(...steps))
    expect(appliedBefore.get('after b')).toEqual(['a', 'b'])
    expect(appliedBefore.get('after c')).toEqual(['a', 'b', 'c'])
  })

  test('sends nothing that is stored', async () => {
    const plan = planOf({ landings: [flight('a'), flight('b')], departures: [flight('x'), flight('y')] })
    const result = await replay(plan, { predictions: new Map([['x', { ...whole }]]), events: new Set(['a']), labels: new Set(['x']) })
    expect(seen.map(({ ids }) => ids)).toEqual([['b'], ['y'], ['y']])
    expect(result).toMatchObject({ skipped: 1, attempted: ['y'], eventsSent: 1, labelsSent: 1 })
  })

  test('an impossible delay is sent, counted as rejected, and has no label', async () => {
    const odd = flight('odd', 604)
    reply = ({ path }) =>
      path.includes('events')
        ? { status: 202, body: { accepted: 0, rejected: [{ index: 0, code: 'out_of_range', message: 'too late' }], applied: true } }
        : undefined
    const result = await replay(planOf({ landings: [odd], departures: [odd] }))
    expect(result.eventsRejected).toEqual([{ id: 'odd', code: 'out_of_range', message: 'too late' }])
    expect(result.labelsSent).toBe(0)
  })

  test('repeats what may be answered later, and counts what got no answer', async () => {
    const tries = new Map<string, number>()
    reply = ({ path, ids: [id = ''] }) => {
      if (!path.includes('predict')) return undefined
      tries.set(id, (tries.get(id) ?? 0) + 1)
      if (id === 'busy' && tries.get(id)! < 3) return { status: 503, body: { error: { code: 'overloaded' } } }
      if (id === 'late' && tries.get(id)! < 2) return { status: 504, body: { error: { code: 'deadline_exceeded' } } }
      if (id === 'odd') return { status: 422, body: { error: { code: 'anchor_too_old' } } }
      if (id === 'held' && tries.get(id)! < 2) return { status: 409, body: { error: { code: 'idempotency_conflict' } } }
      return id === 'cut' && tries.get(id)! < 2 ? 'hang up' : undefined
    }
    const result = await replay(planOf({ departures: [flight('busy'), flight('late'), flight('odd'), flight('cut'), flight('held')] }))
    expect(result.answered.toSorted()).toEqual(['busy', 'cut', 'held', 'late'])
    expect(result.unanswered).toEqual({ anchor_too_old: 1 })
    expect(result.retries).toBe(5)
    expect(Object.fromEntries(tries)).toEqual({ busy: 3, late: 2, odd: 1, cut: 2, held: 2 })
    expect(seen.at(-1)).toEqual({ path: '/v1/labels', ids: ['busy', 'late', 'cut', 'held'] })
    for (const { ids, key } of seen.slice(0, -1)) expect(key).toBe(ids[0])
  })

  test('asks again, under another key, about what was answered without its features or its shadow', async () => {
    const stored = new Map([
      ['a', whole],
      ['b', { ...whole, isWhole: false }],
      ['c', { ...whole, attempts: 2, counted: 0, unanswered: 2, isWhole: false }],
    ])
    const result = await replay(planOf({ departures: ['a', 'b', 'c', 'd'].map((id) => flight(id)) }), { ...none, predictions: stored })
    expect(seen.slice(0, -1).map(({ key }) => key)).toEqual(['b/1', 'c', 'd'])
    expect(seen.at(-1)?.ids).toEqual(['a', 'b', 'c', 'd'])
    expect(result).toMatchObject({ skipped: 1, attempted: ['b', 'c', 'd'], answered: ['b', 'c', 'd'], labelsSent: 4 })
  })

  test('sends landings and labels again over a broken connection', async () => {
    const tries = new Map<string, number>()
    reply = ({ path }) => {
      tries.set(path, (tries.get(path) ?? 0) + 1)
      return path.includes('predict') || tries.get(path)! > 1 ? undefined : 'hang up'
    }
    const only = flight('only')
    const result = await replay(planOf({ landings: [only], departures: [only] }))
    expect(result).toMatchObject({ answered: ['only'], retries: 0, eventsSent: 1, labelsSent: 1 })
  })

  test('a second replay of what the first left open joins it', async () => {
    const first = await replay(planOf({ departures: [flight('a')] }))
    const second = await replay(planOf({ departures: [flight('b')] }))
    const joined = joinReplays({ ...first, retries: 2, attempted: ['a', 'b'] }, second)
    expect(joined).toMatchObject({ attempted: ['a', 'b'], answered: ['a', 'b'], retries: 2, labelsSent: 2 })
    expect(joined.latenciesMs).toHaveLength(2)
  })

  test('gives up when landings are never applied', async () => {
    reply = () => ({ status: 202, body: { accepted: 1, rejected: [], applied: false } })
    await expect(replay(planOf({ landings: [flight('a')], departures: [flight('x')] }))).rejects.toThrow('does not apply the landings')
  })
})
