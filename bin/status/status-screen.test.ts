import { expect, test } from 'vitest'
import type { SystemStatus } from './collect-status.ts'
import { toStatusScreen } from './status-screen.ts'

const now = new Date('2001-06-04T12:00:00Z')

test('says on one screen what runs, what lags, how fresh the warehouse is and what went wrong', () => {
  expect(toStatusScreen(status, now)).toBe(
    `
NOT OK: .hindsight (supervisor pid 7)

service  state               up    restarts           address
gateway  ready               62 s  0                  http://127.0.0.1:8080
logger   not_ready (engine)  3 s   2 (last: SIGKILL)

outbox lane            last seq  size     segments  consumers
gateway-0/predictions  1200      1.5 MiB  2         logger behind by 200

warehouse    rows  newest received
predictions  1000  30 s ago
labels       0     -

recent errors
logger error   10 s ago  insert failed: no answer
`.trim(),
  )
})

test('names the instances of a service where there are several', () => {
  const [gateway] = status.services
  const services = ['gateway-0', 'gateway-1'].map((instance) => ({ ...gateway!, instance }))
  const screen = toStatusScreen({ ...status, services }, now)
  expect(screen).toMatch(/^gateway gateway-0 {2}ready/m)
  expect(screen).toMatch(/^gateway gateway-1 {2}ready/m)
})

test('says which models are not served, not judged or without a view', () => {
  const [gateway, logger] = status.services
  const served = {
    models: [{ model: 'price', refused: { '2': 'golden[0]: differs', '3': 'no such file' } }],
    models_not_served: [
      { model: 'price', version: '2', reason: 'golden[0]: differs' },
      { model: 'runs', reason: 'gold.runs is taken' },
    ],
  }
  const judged = { without_view: { wide: 'too wide' }, models: { price: { predictions: 1 }, wide: { problem: 'no label' } } }
  const services = [
    { ...gateway!, status: served },
    { ...logger!, service: 'labeler' as const, status: judged },
  ]
  expect(toStatusScreen({ ...status, services }, now)).toContain(
    `
models
price is not served, its champion 2 being refused: golden[0]: differs
runs is not served: gold.runs is taken
price version 3 is refused: no such file
wide has no view in gold: too wide
wide is not evaluated: no label
`.trim(),
  )
})

test('says when nothing runs', () => {
  const down = toStatusScreen(
    {
      ...status,
      services: [],
      outbox: [],
      recent_errors: [],
      warehouse: { reachable: false, freshness: [], error: 'no warehouse is running' },
    },
    now,
  )
  expect(down).toContain('outbox: empty')
  expect(down).toContain('warehouse: does not answer: no warehouse is running')
  expect(down).toContain('no recent errors')
})

const status: SystemStatus = {
  ok: false,
  at: now.toISOString(),
  data_dir: '.hindsight',
  supervisor: { pid: 7, started_at: now.toISOString() },
  services: [
    {
      service: 'gateway',
      state: 'ready',
      pid: 8,
      uptime_s: 62,
      restarts: 0,
      addresses: { http: 'http://127.0.0.1:8080' },
      failing_checks: [],
      status: {},
    },
    {
      service: 'logger',
      state: 'not_ready',
      pid: 9,
      uptime_s: 3,
      restarts: 2,
      last_exit: { at: now.toISOString(), how: 'SIGKILL' },
      addresses: {},
      failing_checks: ['engine'],
      status: {},
    },
  ],
  outbox: [
    {
      writerId: 'gateway-0',
      epoch: 3,
      pid: 8,
      state: 'alive',
      lanes: [
        {
          lane: 'predictions',
          epochs: 1,
          segments: 2,
          bytes: 1.5 * 1024 ** 2,
          epoch: 3,
          durableSeq: 1200,
          consumers: [{ consumer: 'logger', records: 200, bytes: 1000 }],
        },
      ],
    },
  ],
  warehouse: {
    reachable: true,
    freshness: [
      { table: 'predictions', rows: 1000, newest: '2001-06-04 11:59:30.000' },
      { table: 'labels', rows: 0 },
    ],
  },
  recent_errors: [{ service: 'logger', at: '2001-06-04T11:59:50.000Z', level: 'error', message: 'insert failed: no answer' }],
}
