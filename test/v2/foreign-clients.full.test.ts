import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitForEmptyLog } from '../../bin/supervisor/event-log-lag.ts'
import { preparePythonClients } from '../testing/python-clients.ts'
import { type EchoSystem, recorded, startEchoSystem } from '../testing/echo-system.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const clients = preparePythonClients()
const missing = 'missing' in clients ? clients.missing : undefined
if (missing !== undefined) process.stderr.write(`tests with foreign V2 clients are skipped: ${missing}\n`)
const { runIf } = describe
const describeWithPython = runIf(missing === undefined || process.env['REQUIRE_SERVICES'] === '1')

let system: EchoSystem

beforeAll(async () => {
  system = await startEchoSystem()
})
afterAll(() => system.stop())

describeWithPython('clients that others wrote', () => {
  test('tritonclient: binary by default, every type, refusals', async () => {
    const told = JSON.parse(await run('python', [join(folder, 'triton_client.py'), new URL(system.hindsight.url).host])) as Record<
      string,
      unknown
    >
    expect(told).toMatchObject({
      health: [true, true, true],
      server: { name: 'hindsight' },
      metadata: { name: 'echo', platform: 'onnxruntime_onnx', versions: ['1'] },
      config: { name: 'flight-delay', input: [{ name: 'features', data_type: 'TYPE_FP32', dims: [9] }] },
      pinned: ['1', [1, 2]],
      echo: { binary: [], json: [] },
      integers: { binary: [], json: [] },
      compressed: [true, true],
      aio: [400, 'echo', true],
      index: expect.arrayContaining([{ name: 'echo', version: '1', state: 'READY', reason: '' }]) as unknown[],
      halves: [],
      all: expect.arrayContaining(['echo', 'flight-delay', 'halves']) as string[],
      refused: {
        datatype: ['400', expect.stringContaining('tensor features: is FP64, and the version takes FP32')],
        model: ['404', expect.stringContaining('no model none')],
        version: ['404', expect.stringContaining('no version 9')],
      },
    })
    const [id, probabilities] = told['binary'] as [string, number[][]]
    expect(id).toBe('triton-flights')
    expect(probabilities[0]?.[1]).toBeCloseTo(recorded, 6)
    expect(probabilities).toHaveLength(2)
    expect((told['json'] as number[][])[0]?.[1]).toBeCloseTo(recorded, 6)
    expect(await waitForEmptyLog(system.dataDir, 300_000)).toEqual({})
    const stored = await system.hindsight.warehouse.query<{ half: number }>(
      `SELECT features_number['half'] AS half FROM gold.predictions WHERE model = 'halves' AND route = 'champion' ORDER BY \`index\``,
    )
    expect(stored.map(({ half }) => half)).toEqual([0.0999755859375, -65_504, 2 ** -24, 0])
    expect(told['counted']).toBeGreaterThanOrEqual(6)
  })

  test("KServe's InferenceRESTClient: JSON and binary", async () => {
    const told = JSON.parse(await run('python', [join(folder, 'kserve_client.py'), system.hindsight.url])) as Record<string, unknown>
    const output = ['probabilities', [[expect.closeTo(1 - recorded, 6), expect.closeTo(recorded, 6)]]]
    const parameters = { route: 'champion', prediction_id: expect.any(String) as string }
    expect(told).toEqual({
      health: [true, true, true],
      json: { id: 'kserve-json', model: 'flight-delay', parameters, output },
      binary: { id: 'kserve-binary', model: 'flight-delay', parameters, output },
      refused: [404, expect.stringContaining('the project has no model none')],
    })
  })

  test('schemathesis: no answer that the OpenAPI document does not know', async () => {
    const options = ['--seed', '1', '--max-examples', '10', '--no-color']
    await run('schemathesis', [
      '--config-file',
      join(folder, 'schemathesis.toml'),
      'run',
      `${system.hindsight.url}/openapi.json`,
      ...options,
    ])
  })

  test('what they were answered is stored', async () => {
    expect(await waitForEmptyLog(system.dataDir, 300_000)).toEqual({})
    const [{ rows } = { rows: 0 }] = await system.hindsight.warehouse.query<{ rows: number }>(
      `SELECT toUInt32(count()) AS rows FROM gold.predictions WHERE route = 'champion' AND match(request_id, '^(triton|kserve)-')`,
    )
    expect(rows).toBe(2 + 2 * 3 + 2 * 2 + 4 + 1 + 1)
  })
})

/** The program's output; rejects with it when the program fails. */
function run(name: string, args: readonly string[]): Promise<string> {
  if ('missing' in clients) throw new Error(clients.missing)
  const program = clients.bin(name)
  return new Promise((resolve, reject) => {
    execFile(program, args, { maxBuffer: 64 * 1024 ** 2, cwd: system.dataDir }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${name} failed:\n${stdout.slice(-20_000)}\n${stderr.slice(-5_000)}`))
    })
  })
}
