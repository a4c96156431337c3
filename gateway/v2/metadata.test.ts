import { describe, expect, it } from 'vitest'
import { limits } from '../../contracts/http.ts'
import { v2ModelConfig, v2ModelMetadata, v2ModelStatistics, v2Ready, v2ServerMetadata } from '../../contracts/v2.ts'
import { createTestAccess } from '../testing/test-access.ts'
import { path, x, good, start, errorOf } from '../testing/v2-requests.ts'

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
