import { describe, expect, it } from 'vitest'
import { limits } from '../../contracts/http.ts'
import { predictionEventV1 } from '../../contracts/prediction-event.ts'
import {
  v2Error,
  v2InferResponse,
  v2Limits,
  v2ModelConfig,
  v2ModelMetadata,
  v2ModelStatistics,
  v2Ready,
  v2ServerMetadata,
} from '../../contracts/v2.ts'
import { createTestAccess } from '../testing/test-access.ts'
import { createTestGateway } from '../testing/test-gateway.ts'

const path = '/v2/models/parcel-delay/infer'
const parameters = { anchor: 'sent' }
const x = { name: 'x', shape: [1, 2], datatype: 'FP32', data: [30, 45] }
const good = { id: 'r-1', parameters, inputs: [x] }

type Gateway = Awaited<ReturnType<typeof createTestGateway>>

async function start(options: Parameters<typeof createTestGateway>[0] = {}): Promise<Gateway> {
  // A busy machine is no slow model.
  const gateway = await createTestGateway({ definition: { latency_budget_ms: 15_000 }, ...options })
  gateway.engine.runs.length = 0
  return gateway
}

async function eventsOf(gateway: Gateway, route?: string) {
  await gateway.background.settled()
  const events = gateway.log.inLane('predictions').map(({ body }) => predictionEventV1.parse(body))
  return route === undefined ? events : events.filter((event) => event.route === route)
}

const errorOf = async (response: Response) => v2Error.strict().parse(await response.json()).error

/** JSON with tensors in binary form behind it. */
function withBinary(request: object, ...parts: ArrayBufferView[]): { body: Uint8Array; headers: Record<string, string> } {
  const json = Buffer.from(JSON.stringify(request))
  const bytes = parts.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength))
  return {
    body: Buffer.concat([json, ...bytes]),
    headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(json.byteLength) },
  }
}

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

  it('asked for without any output is answered with none', async () => {
    const gateway = await start()
    expect(v2InferResponse.parse(await (await gateway.send(path, { ...good, outputs: [] })).json()).outputs).toEqual([])
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

describe('what is refused', () => {
  const input = (change: object) => ({ ...good, inputs: [{ ...x, ...change }] })
  const tooMany = limits.items + 1
  it.each<[string, unknown, number, string]>([
    ['no JSON', '{', 400, 'the body is not JSON'],
    ['NaN', '{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[NaN,1]}]}', 400, 'inputs[0].data[0]: a number must be finite'],
    [
      'Infinity',
      '{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,-Infinity]}]}',
      400,
      'inputs[0].data[1]: a number must be finite',
    ],
    ['another datatype', input({ datatype: 'FP64' }), 400, 'tensor x: is FP64, and the version takes FP32'],
    ['a datatype that no version has', input({ datatype: 'FP16' }), 400, 'tensor x: FP16 has no form in JSON'],
    ['no datatype', input({ datatype: 'FLOAT' }), 400, 'inputs[0].datatype'],
    ['another width', input({ shape: [1, 3], data: [1, 2, 3] }), 400, 'tensor x: has shape [1, 3], and the version takes [-1, 2]'],
    ['another rank', input({ shape: [2] }), 400, 'tensor x: has shape [2]'],
    ['too few elements', input({ data: [1] }), 400, 'tensor x: shape [1, 2] holds 2 elements, data 1'],
    ['no rows', input({ shape: [0, 2], data: [] }), 400, 'tensor x: has 0 rows'],
    [
      'too many rows',
      input({ shape: [tooMany, 2], data: Array.from({ length: tooMany * 2 }, () => 0) }),
      400,
      `tensor x: has ${tooMany} rows`,
    ],
    ['a shape beyond counting', input({ shape: [2 ** 31, 2] }), 400, 'inputs[0].shape[0]'],
    ['an input too many', { ...good, inputs: [x, { ...x, name: 'y' }] }, 400, 'inputs[1].name: the version has no input y'],
    ['an input twice', { ...good, inputs: [x, x] }, 400, 'tensor x: is sent twice'],
    ['no inputs', { ...good, inputs: [] }, 400, 'inputs'],
    ['an unknown output', { ...good, outputs: [{ name: 'p' }] }, 400, 'outputs[0].name: the version has no output p'],
    ['a field of no protocol', { ...good, input: 1 }, 400, 'input: there is no such field'],
    ['an id that is a number', { ...good, id: 12345678901234567890n }, 400, 'id'],
    [
      'shared memory',
      input({ parameters: { shared_memory_region: 'r' } }),
      400,
      'inputs[0].parameters.shared_memory_region: is not supported',
    ],
    [
      'classification',
      { ...good, outputs: [{ name: 'probability', parameters: { classification: 2 } }] },
      400,
      'classification: is not supported',
    ],
    ['no anchor, where the model has several', { ...good, parameters: {} }, 400, 'anchor: is required'],
  ])('%s', async (_, body, status, message) => {
    const gateway = await start()
    const text = typeof body === 'string' ? body : JSON.stringify(body, (_key, value: unknown) => (typeof value === 'bigint' ? 0 : value))
    const response = await gateway.send(path, text.replace('"id":0', '"id":12345678901234567890'))
    expect([response.status, await errorOf(response)]).toEqual([status, expect.stringContaining(message)])
    expect(await eventsOf(gateway)).toEqual([])
  })

  it.each<[string, string, RequestInit, number]>([
    ['an unknown path', '/v2/nothing', {}, 404],
    ['an unknown model', '/v2/models/none/infer', { method: 'POST', body: '{}' }, 404],
    ['an unknown version', '/v2/models/parcel-delay/versions/9', {}, 404],
    ['a version that was refused', '/v2/models/parcel-delay/versions/4', {}, 503],
    ['another method', path, { method: 'PUT' }, 405],
    ['another type', path, { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } }, 415],
    [
      'JSON that says it is a raw body',
      path,
      { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', 'inference-header-content-length': '0' } },
      415,
    ],
    [
      'a compressed body',
      path,
      { method: 'POST', body: '{}', headers: { 'content-encoding': 'gzip', 'content-type': 'application/json' } },
      415,
    ],
    ['a body beyond the limit', path, { method: 'POST', body: new Uint8Array(v2Limits.bodyBytes + 1) }, 413],
  ])('%s, in the words of the protocol', async (_, url, init, status) => {
    const { app } = await start()
    const response = await app.request(url, init)
    expect(response.status).toBe(status)
    expect(await errorOf(response)).not.toBe('')
  })

  it('more bytes than fit beside those in work', async () => {
    const gateway = await start()
    gateway.log.hold()
    const big = `${JSON.stringify(good)}${' '.repeat(v2Limits.bodyBytes - 1000)}`
    const headers = { 'content-length': String(big.length) }
    const most = v2Limits.bodyBytesInWork / v2Limits.bodyBytes
    const underWay = Array.from({ length: most }, () => gateway.send(path, big, headers))
    await expect.poll(() => gateway.engine.runs.filter(({ sessionId }) => sessionId.endsWith('/1')).length, { timeout: 10_000 }).toBe(most)
    const refused = await gateway.send(path, big, headers)
    expect([refused.status, await errorOf(refused)]).toEqual([503, 'the requests under way are too large for one more'])
    gateway.log.release()
    await Promise.all(underWay)
    expect((await gateway.send(path, big, headers)).status).toBe(200)
  })
})

describe('what a client asks before', () => {
  it('is open: the server and its health', async () => {
    const { app, log } = await start({ access: createTestAccess({ apiKey: 'secret' }) })
    const server = v2ServerMetadata.parse(await (await app.request('/v2')).json())
    expect(server).toMatchObject({ name: 'hindsight', extensions: expect.arrayContaining(['binary_tensor_data']) as string[] })
    expect(await (await app.request('/v2/health/live')).json()).toEqual({ live: true })
    expect(v2Ready.parse(await (await app.request('/v2/health/ready')).json())).toEqual({ live: true, ready: true })
    log.break()
    const response = await app.request('/v2/health/ready')
    expect([response.status, await response.json()]).toEqual([503, { live: true, ready: false }])
  })

  it('needs the key: everything about a model', async () => {
    const { app } = await start({ access: createTestAccess({ apiKey: 'secret' }) })
    for (const end of ['', '/ready', '/config', '/stats', '/versions/1']) {
      const response = await app.request(`/v2/models/parcel-delay${end}`)
      expect([response.status, await errorOf(response)]).toEqual([401, expect.stringContaining('Bearer')])
    }
    expect((await app.request('/v2/models/parcel-delay', { headers: { authorization: 'Bearer secret' } })).status).toBe(200)
  })

  it('are its tensors, as metadata and as a configuration', async () => {
    const { app } = await start()
    const metadata = v2ModelMetadata.strict().parse(await (await app.request('/v2/models/parcel-delay')).json())
    expect(metadata).toEqual({
      name: 'parcel-delay',
      versions: ['1', '2', '3'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
      outputs: [{ name: 'probability', datatype: 'FP64', shape: [-1, 1] }],
    })
    const config = v2ModelConfig.parse(await (await app.request('/v2/models/parcel-delay/versions/2/config')).json())
    expect(config).toMatchObject({
      version_policy: { specific: { versions: ['2'] } },
      max_batch_size: limits.items,
      input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [2] }],
      output: [{ name: 'probability', data_type: 'TYPE_FP64', dims: [1] }],
    })
  })

  it.each([
    ['/v2/models/parcel-delay/ready', 200, true],
    ['/v2/models/parcel-delay/versions/3/ready', 200, true],
    ['/v2/models/parcel-delay/versions/4/ready', 503, false],
  ])('is whether it is ready: %s', async (url, status, ready) => {
    const { app } = await start()
    const response = await app.request(url)
    expect([response.status, await response.json()]).toEqual([status, { name: 'parcel-delay', ready }])
  })

  it('are statistics over every way in', async () => {
    const { app, send, background, engine } = await start()
    await send(path, { ...good, inputs: [{ ...x, shape: [2, 2], data: [1, 2, 3, 4] }] })
    await send('/v1/models/parcel-delay/predict', { anchor: 'sent', features: { weight: 1 } })
    engine.behave('fail')
    await send(path, good)
    await background.settled()
    const { model_stats: all } = v2ModelStatistics.parse(await (await app.request('/v2/models/parcel-delay/stats')).json())
    expect(all.map(({ version, inference_count }) => [version, inference_count])).toEqual([
      ['1', 4],
      ['2', 4],
      ['3', 0],
    ])
    expect(all[0]).toMatchObject({ execution_count: 2, inference_stats: { success: { count: 3 }, fail: { count: 1 } } })
    expect(all[0]?.inference_stats.compute_infer.ns).toBe(60_000)
  })
})
