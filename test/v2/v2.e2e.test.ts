import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitForEmptyLog } from '../../bin/supervisor/event-log-lag.ts'
import { v2InferResponse } from '../../contracts/v2.ts'
import { getJson, postJson } from '../testing/http.ts'
import { type EchoSystem, recorded, startEchoSystem } from '../testing/echo-system.ts'

let system: EchoSystem

beforeAll(async () => {
  system = await startEchoSystem()
})
afterAll(() => system.stop())

/** The first flight is the golden request whose answer is `recorded`. */
const flights = [
  [83, 0, 5, 45, 11.199999809265137, 11, 9.363636016845703, 71, 4.619718074798584],
  [83, 0, 5, 45, 0, 11, 0, 71, 0],
]

describe('what a V2 request becomes', () => {
  test('rows in the warehouse, with their tensors, that labels find by request and index', async () => {
    const sent = { id: 'v2-rows', parameters: { anchor_time: '2001-06-04T12:00:00Z', timeout_ms: 10_000 } }
    const inputs = [{ name: 'features', shape: [2, 9], datatype: 'FP32', data: flights }]
    const { status, body } = await postJson(`${system.hindsight.url}/v2/models/flight-delay/infer`, { ...sent, inputs })
    expect(status).toBe(200)
    const [output] = v2InferResponse.parse(body).outputs
    expect(output).toMatchObject({ name: 'probabilities', shape: [2, 2] })
    expect(output?.data?.[1]).toBeCloseTo(recorded, 6)
    const label = { label: 'arrived_late', request_id: 'v2-rows', index: 1, value_number: 1, event_time: '2001-06-04T13:00:00Z' }
    expect((await postJson(`${system.hindsight.url}/v1/labels`, label)).status).toBe(202)
    expect(await waitForEmptyLog(system.dataDir, 300_000)).toEqual({})
    const rows = await system.hindsight.warehouse.query<{
      index: number
      route: string
      probability: number
      inputs: string
      state: string
    }>(
      `SELECT \`index\`, route, outputs_number['probability_late'] AS probability, inputs, outcome_state AS state
       FROM gold.predictions WHERE request_id = 'v2-rows' ORDER BY route, \`index\``,
    )
    expect(rows.map(({ route, index, state }) => [route, index, state])).toEqual([
      ['champion', 0, 'expired'],
      ['champion', 1, 'labeled'],
      ['shadow', 0, 'expired'],
      ['shadow', 1, 'labeled'],
    ])
    expect(rows[0]?.probability).toBe(output?.data?.[1])
    for (const { inputs: stored, index } of rows)
      expect(JSON.parse(stored)).toEqual([{ name: 'features', datatype: 'FP32', shape: [1, 9], data: flights[index] }])
  })

  test('an event that has every bit of a 64-bit integer', async () => {
    const inputs = [
      { name: 'text', shape: [1], datatype: 'BYTES', data: ['Zürich'] },
      { name: 'whole', shape: [1], datatype: 'INT64', data: ['WHOLE'] },
      { name: 'small', shape: [1], datatype: 'INT32', data: [-7] },
      { name: 'precise', shape: [1], datatype: 'FP64', data: [0.1] },
      { name: 'flag', shape: [1], datatype: 'BOOL', data: [true] },
    ]
    // No JSON.stringify writes an integer that long.
    const text = JSON.stringify({ id: 'v2-echo', inputs }).replace('"WHOLE"', '9007199254740993')
    const response = await fetch(`${system.hindsight.url}/v2/models/echo/infer`, {
      method: 'POST',
      body: text,
      headers: { 'content-type': 'application/json' },
    })
    const answered = await response.text()
    expect([response.status, answered]).toEqual([200, expect.stringContaining('"data":[9007199254740993]')])
    expect(await waitForEmptyLog(system.dataDir, 300_000)).toEqual({})
    const { prediction_id: id } = v2InferResponse.parse(JSON.parse(answered)).parameters
    const { body } = await getJson<{ inputs: unknown; output_tensors: { name: string; data: unknown }[] }>(
      `${system.hindsight.url}/v1/predictions/${id}`,
    )
    expect(body).toMatchObject({
      inputs: inputs.map((input) => (input.name === 'whole' ? { ...input, data: ['9007199254740993'] } : input)),
    })
    expect(Object.fromEntries(body.output_tensors.map((tensor) => [tensor.name, tensor.data]))).toEqual({
      text_out: ['Zürich'],
      whole_out: ['9007199254740993'],
      small_out: [-7],
      precise_out: [0.1],
      flag_out: [true],
    })
  })
})
