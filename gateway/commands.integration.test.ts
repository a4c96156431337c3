import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { predictResponse } from '../contracts/http.ts'
import { parseScalar } from './commands.ts'
import { listen, type Listener } from './http/listen.ts'
import { modelList } from './routes/model-schemas.ts'
import { runCommand as run } from './testing/run-command.ts'
import { createTestAccess } from './testing/test-access.ts'
import { createTestGateway } from './testing/test-gateway.ts'

let listener: Listener
beforeAll(async () => {
  const gateway = await createTestGateway({ access: createTestAccess({ apiKey: 'a-key-of-some-length' }) })
  gateway.online.put('BER', '45')
  listener = await listen(gateway.app.fetch, { host: '127.0.0.1', port: 0 })
  vi.stubEnv('HINDSIGHT_URL', listener.url)
  vi.stubEnv('HINDSIGHT_API_KEY', 'a-key-of-some-length')
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await listener.close({ withinMs: 1_000 })
})

describe('hindsight predict', () => {
  const args = ['predict', 'parcel-delay', '--entity', 'depot=BER', 'sender=7', '--feature', 'weight=30', '--anchor', 'sent']

  it('shows the prediction', async () => {
    const output = await run(...args, '--anchor-time', '2001-06-04T12:00:00Z', '--return-features')
    expect(output).toContain('probability 0.75\ndecision late (threshold 0.5)\n  weight = 30\n  depot_load = 45\n')
    expect(output).toMatch(/prediction [0-9a-f-]{36}, parcel-delay version 1 \(champion\), sent at 2001-06-04T12:00:00\.000Z\n$/)
  })

  it('prints the answer as it came with --json', async () => {
    const answer = predictResponse.parse(JSON.parse(await run(...args, '--model-version', '3', '--json')))
    expect(answer).toMatchObject({ model_version: '3', route: 'pinned' })
  })

  it("fails with the gateway's own error", async () => {
    await expect(run('predict', 'parcel-delay', '--anchor', 'sent')).rejects.toMatchObject({
      code: 'missing_feature',
      path: 'features.weight',
    })
    await expect(run('predict', 'parcel', '--anchor', 'sent')).rejects.toMatchObject({ code: 'unknown_model' })
  })

  it('says when no gateway answers', async () => {
    vi.stubEnv('HINDSIGHT_URL', 'http://127.0.0.1:1')
    await expect(run('models')).rejects.toMatchObject({ code: 'not_ready' })
    vi.stubEnv('HINDSIGHT_URL', listener.url)
  })

  it.each([
    ['337', 337],
    ['-1.5e3', -1500],
    ['true', true],
    ['SFO', 'SFO'],
    ['"337"', '337'],
    ['', ''],
  ])('reads the feature value %s', (text, value) => {
    expect(parseScalar(text)).toBe(value)
  })
})

describe('hindsight models', () => {
  it('lists the models, and what was refused', async () => {
    const output = await run('models')
    expect(output).toContain('parcel-delay: Whether a parcel comes late.\n  champion 1, shadows 2; serves 1, 2, 3\n')
    expect(output).toContain('refused 4: parcel-delay/4/model.onnx: refers to external data')
    expect(modelList.parse(JSON.parse(await run('models', '--json'))).models).toHaveLength(1)
  })

  it('shows one model', async () => {
    const output = await run('models', 'parcel-delay')
    expect(output).toContain('anchor sent: weight, depot_load')
    expect(output).toContain('version 2: Version 2. (weight, depot_load)')
  })
})
