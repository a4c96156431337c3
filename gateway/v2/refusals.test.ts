import { describe, expect, it } from 'vitest'
import { limits, predictLimits } from '../../contracts/http.ts'
import { path, x, good, start, eventsOf, errorOf } from '../testing/v2-requests.ts'

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
    ['a body beyond the limit', path, { method: 'POST', body: new Uint8Array(predictLimits.bodyBytes + 1) }, 413],
  ])('%s, in the words of the protocol', async (_, url, init, status) => {
    const { app } = await start()
    const response = await app.request(url, init)
    expect(response.status).toBe(status)
    expect(await errorOf(response)).not.toBe('')
  })

  it('more bytes than fit beside those in work', async () => {
    const gateway = await start()
    gateway.log.hold()
    const big = `${JSON.stringify(good)}${' '.repeat(predictLimits.bodyBytes - 1000)}`
    const headers = { 'content-length': String(big.length) }
    const most = predictLimits.bodyBytesInWork / predictLimits.bodyBytes
    const underWay = Array.from({ length: most }, () => gateway.send(path, big, headers))
    const rows = () => gateway.engine.runs.reduce((sum, run) => sum + (run.sessionId.endsWith('/1') ? run.rows : 0), 0)
    await expect.poll(rows).toBe(most)
    const refused = await gateway.send(path, big, headers)
    expect([refused.status, await errorOf(refused)]).toEqual([503, 'the requests under way are too large for one more'])
    gateway.log.release()
    await Promise.all(underWay)
    expect((await gateway.send(path, big, headers)).status).toBe(200)
  })
})
