import { describe, expect, it } from 'vitest'
import { v2InferResponse } from '../../contracts/v2.ts'
import { path, parameters, x, good, start, eventsOf, errorOf, withBinary } from '../testing/v2-requests.ts'

describe('an infer request', () => {
  it('is answered in tensors, and its event says what the model saw and gave', async () => {
    const gateway = await start()
    const response = await gateway.send(path, good)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    const answer = v2InferResponse.strict().parse(await response.json())
    const [event] = await eventsOf(gateway, 'champion')
    expect(answer).toEqual({
      model_name: 'parcel-delay',
      model_version: '1',
      id: 'r-1',
      parameters: { route: 'champion', prediction_id: event?.prediction_id },
      outputs: [{ name: 'probability', datatype: 'FP64', shape: [1, 1], data: [0.75] }],
    })
    expect(event).toMatchObject({
      request_id: 'r-1',
      index: 0,
      anchor: 'sent',
      entities: {},
      status: 'ok',
      outputs: { probability: 0.75 },
      decision: { value: 'late', threshold: 0.5 },
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [30, 45] }],
      output_tensors: [{ name: 'probability', datatype: 'FP64', shape: [1, 1], data: [0.75] }],
    })
    expect(event?.features.map(({ name, value, source, status }) => [name, value, source, status])).toEqual([
      ['weight', 30, 'request', 'ok'],
      ['depot_load', 45, 'request', 'ok'],
    ])
    expect(gateway.online.reads).toEqual([])
  })

  it('is one event per row, in order, from one run', async () => {
    const gateway = await start()
    const response = await gateway.send(path, {
      ...good,
      inputs: [
        {
          ...x,
          shape: [3, 2],
          data: [
            [1, 2],
            [3, 4],
            [5, 6],
          ],
        },
      ],
    })
    const { outputs, parameters: said } = v2InferResponse.parse(await response.json())
    expect(outputs).toEqual([{ name: 'probability', datatype: 'FP64', shape: [3, 1], data: [0.03, 0.07, 0.11] }])
    expect(said).toEqual({ route: 'champion' })
    const events = await eventsOf(gateway, 'champion')
    expect(events.map(({ request_id, index, inputs }) => [request_id, index, inputs?.[0]?.data])).toEqual([
      ['r-1', 0, [1, 2]],
      ['r-1', 1, [3, 4]],
      ['r-1', 2, [5, 6]],
    ])
    expect(gateway.engine.runs.filter(({ sessionId }) => sessionId.endsWith('/1'))).toHaveLength(1)
  })

  it('is shadowed as any other, on the same values and under the same decision', async () => {
    const gateway = await start()
    await gateway.send(path, good)
    const [champion] = await eventsOf(gateway, 'champion')
    const [shadow] = await eventsOf(gateway, 'shadow')
    expect(shadow).toMatchObject({ model_version: '2', decision_id: champion?.decision_id, outputs: { probability: 0.75 } })
    expect(shadow?.inputs).toEqual(champion?.inputs)
  })

  it('is not answered before its event is durable, nor when it cannot be', async () => {
    const gateway = await start()
    gateway.log.hold()
    let answered = false
    const response = Promise.resolve(gateway.send(path, good)).finally(() => (answered = true))
    await expect.poll(() => gateway.engine.runs.length).toBeGreaterThan(0)
    await new Promise((resolve) => setImmediate(resolve))
    expect(answered).toBe(false)
    gateway.log.release()
    expect((await response).status).toBe(200)
    gateway.log.break()
    const refused = await gateway.send(path, good)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await errorOf(refused)).toMatch(/disk is full/)
  })

  it('goes to the version that its path names', async () => {
    const gateway = await start()
    const response = await gateway.send('/v2/models/parcel-delay/versions/3/infer', good)
    expect(v2InferResponse.parse(await response.json())).toMatchObject({ model_version: '3', parameters: { route: 'pinned' } })
  })

  it('is given an id where it has none', async () => {
    const gateway = await start()
    for (const id of [undefined, '']) {
      const response = await gateway.send(path, { ...good, id })
      const answer = v2InferResponse.parse(await response.json())
      expect(answer.id).toBe(response.headers.get('x-request-id'))
    }
  })

  it('takes the anchor, its time and its own deadline as parameters', async () => {
    const gateway = await start()
    const sent = { anchor: 'arrived', anchor_time: '2001-06-04T12:00:00Z', priority: 3 }
    expect((await gateway.send(path, { ...good, parameters: sent })).status).toBe(200)
    expect((await eventsOf(gateway, 'champion'))[0]).toMatchObject({ anchor: 'arrived', anchor_time: '2001-06-04T12:00:00.000Z' })
    gateway.engine.behave('hang')
    for (const deadline of [{ timeout_ms: 30 }, { timeout: 30_000 }])
      expect((await gateway.send(path, { ...good, parameters: { ...parameters, ...deadline } })).status).toBe(504)
  })

  it('fails as one when the model does, and every row says so', async () => {
    const gateway = await start()
    gateway.engine.behave('nan')
    const response = await gateway.send(path, { ...good, inputs: [{ ...x, shape: [2, 2], data: [1, 2, 3, 4] }] })
    expect([response.status, await errorOf(response)]).toEqual([500, 'output probability is not finite'])
    expect((await eventsOf(gateway, 'champion')).map(({ status, error_code }) => [status, error_code])).toEqual([
      ['error', 'inference_failed'],
      ['error', 'inference_failed'],
    ])
  })

  it('that no version answers in time is not answered by a constant, which has no tensors', async () => {
    const gateway = await start({ definition: { latency_budget_ms: 50, fallback: { outputs: { probability: 0.2 } } } })
    gateway.engine.behave('hang')
    expect((await gateway.send(path, good)).status).toBe(504)
    expect(await eventsOf(gateway, 'champion')).toMatchObject([{ status: 'error', error_code: 'deadline_exceeded' }])
  })

  it.each<[string, object]>([
    ['an empty list of outputs', { outputs: [] }],
    ['null for outputs', { outputs: null }],
    ['null for its id', { id: null }],
    ['null for the name of the model', { model_name: null }],
    [
      'null for parameters of its own',
      { parameters: { ...parameters, priority: null, timeout: null, timeout_ms: null, anchor_time: null } },
    ],
    ['null for parameters of an input', { inputs: [{ ...x, parameters: null }] }],
    ['null for a parameter of an input', { inputs: [{ ...x, parameters: { binary_data_size: null, content_type: null } }] }],
    ['null for parameters of an output', { outputs: [{ name: 'probability', parameters: null }] }],
    ['null for a parameter of an output', { outputs: [{ name: 'probability', parameters: { binary_data: null, classification: null } }] }],
  ])('may have %s, which is as if it were left out', async (_, change) => {
    const gateway = await start()
    const response = await gateway.send(path, { ...good, ...change })
    expect(response.status).toBe(200)
    expect(v2InferResponse.parse(await response.json()).outputs).toMatchObject([{ name: 'probability', data: [0.75] }])
  })

  it('may have null for parameters, where the model has one anchor', async () => {
    const gateway = await start({ definition: { anchors: undefined } })
    const all = { id: null, model_name: null, parameters: null, inputs: [{ ...x, parameters: null }], outputs: null }
    expect((await gateway.send(path, all)).status).toBe(200)
  })

  it.each<[string, object, string]>([
    ['inputs', { inputs: null }, 'inputs: expected array, received null'],
    ['the data of an input', { inputs: [{ ...x, data: null }] }, 'has neither data nor binary_data_size'],
    ['the shape of an input', { inputs: [{ ...x, shape: null }] }, 'inputs[0].shape'],
    ['the name of an output', { outputs: [{ name: null }] }, 'outputs[0].name'],
  ])('may not have null for %s', async (_, change, message) => {
    const gateway = await start()
    const response = await gateway.send(path, { ...good, ...change })
    expect([response.status, await errorOf(response)]).toEqual([400, expect.stringContaining(message)])
  })
})

describe('tensors in binary form', () => {
  const binary = { ...x, data: undefined, parameters: { binary_data_size: 8 } }

  it('are taken, and given when asked for', async () => {
    const gateway = await start()
    const { body, headers } = withBinary(
      { ...good, parameters: { ...parameters, binary_data_output: true }, inputs: [binary] },
      Float32Array.of(30, 45),
    )
    const response = await gateway.send(path, body, headers)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/octet-stream'])
    const bytes = Buffer.from(await response.arrayBuffer())
    const length = Number(response.headers.get('inference-header-content-length'))
    const answer = v2InferResponse.parse(JSON.parse(bytes.subarray(0, length).toString()))
    expect(answer.outputs).toEqual([{ name: 'probability', datatype: 'FP64', shape: [1, 1], parameters: { binary_data_size: 8 } }])
    expect(bytes.subarray(length).readDoubleLE()).toBe(0.75)
  })

  it('are given for each output as it asks', async () => {
    const gateway = await start()
    const outputs = [{ name: 'probability', parameters: { binary_data: false } }]
    const response = await gateway.send(path, { ...good, parameters: { ...parameters, binary_data_output: true }, outputs })
    expect(v2InferResponse.parse(await response.json()).outputs[0]?.data).toEqual([0.75])
  })

  it('may say NaN, which is missing', async () => {
    const gateway = await start()
    const { body, headers } = withBinary({ ...good, inputs: [binary] }, Float32Array.of(30, Number.NaN))
    expect((await gateway.send(path, body, headers)).status).toBe(200)
    const [event] = await eventsOf(gateway, 'champion')
    expect(event?.features[1]).toMatchObject({ name: 'depot_load', status: 'missing', reason: 'nan' })
    expect(event?.warnings).toEqual(['feature depot_load is missing: nan'])
    expect(event?.inputs?.[0]?.data).toEqual([30, 'NaN'])
  })

  it('may be all there is: a raw body says its rows by its length', async () => {
    const gateway = await start()
    const version = '/v2/models/parcel-delay/versions/1/infer'
    const headers = { 'inference-header-content-length': '0', 'content-type': 'application/octet-stream' }
    const send = (...values: number[]) => gateway.send(version, new Uint8Array(Float32Array.from(values).buffer), headers)
    const refused = await send(1, 2, 3)
    expect([refused.status, await errorOf(refused)]).toEqual([400, 'inputs: tensor x: a row takes 8 bytes, and the body has 12'])
    // The model has two anchors, and a raw body names none.
    expect(await errorOf(await send(1, 2))).toMatch(/^anchor: is required/)
  })

  it.each([
    ['behind the body', { parameters: { binary_data_size: 16 } }, 'the body ends before its 16 bytes'],
    ['shorter than what is sent', { parameters: { binary_data_size: 4 } }, 'takes 8 bytes, not 4'],
    ['of no length', { parameters: {} }, 'neither data nor binary_data_size'],
    ['of a negative length', { parameters: { binary_data_size: -8 } }, 'must be a number of bytes'],
    ['beside data', { data: [1, 2] }, 'has both data and binary_data_size'],
    ['infinite', {}, 'an element is infinite'],
  ])('are refused: %s', async (_, change, message) => {
    const gateway = await start()
    const { body, headers } = withBinary({ ...good, inputs: [{ ...binary, ...change }] }, Float32Array.of(30, Infinity))
    const response = await gateway.send(path, body, headers)
    expect([response.status, await errorOf(response)]).toEqual([400, expect.stringContaining(message)])
    expect(await eventsOf(gateway)).toEqual([])
  })

  it.each(['9999', '-1', '1e2', 'all'])('are refused behind a header of %s', async (length) => {
    const { send } = await start()
    const response = await send(path, good, { 'inference-header-content-length': length })
    expect([response.status, await errorOf(response)]).toEqual([400, expect.stringContaining('Inference-Header-Content-Length')])
  })

  it('may not leave bytes behind', async () => {
    const { send } = await start()
    const { body, headers } = withBinary(good, Float32Array.of(1))
    expect(await errorOf(await send(path, body, headers))).toBe('4 bytes behind the JSON belong to no tensor')
  })
})
