/**
 * What running on the event loop brings over worker threads, and moving buffers over copying them: closed loops in rounds
 * that take turns, medians over the rounds. `node --import=#typescript gateway/inference/testing/bench.ts [seconds per turn]`
 */
import { Worker } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'
import { createServiceLogger } from '../../../platform/service/logging-pino.ts'
import { loadProject } from '../../../platform/project/load-project.ts'
import { toSample } from '../golden.ts'
import type { InferenceEngine, Sample } from '../inference.ts'
import { createOnnxInference } from '../inference-onnxruntime.ts'
import { takeRows } from '../batch.ts'

const seconds = Number(process.argv[2] ?? 1)
const rounds = 7
const engine = createOnnxInference({
  logger: createServiceLogger({ service: 'bench', level: 'warn' }).logger,
  threads: 2,
  maxQueuedRows: 16_384,
})

type BenchResult = { perSecond: number; p99Ms: number; busyShare: number }

/** Runs so many callers that each ask for a row, wait for it, and ask again. */
async function closedLoop(run: () => Promise<unknown>, callers: number): Promise<BenchResult> {
  const latencies: number[] = []
  const until = performance.now() + seconds * 1000
  const before = performance.eventLoopUtilization()
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < until) {
        const askedAt = performance.now()
        await run()
        latencies.push(performance.now() - askedAt)
      }
    }),
  )
  const elapsedMs = performance.now() - startedAt
  const { utilization } = performance.eventLoopUtilization(before)
  return { perSecond: (latencies.length * 1000) / elapsedMs, p99Ms: quantile(latencies, 0.99), busyShare: utilization }
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN
}

/** Rounds in which each way has its turn; the order changes, so that none always comes first. */
async function interleave(ways: Record<string, () => Promise<BenchResult>>): Promise<Record<string, BenchResult[]>> {
  const turns: Record<string, BenchResult[]> = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    const names = Object.keys(ways)
    for (const name of round % 2 === 0 ? names : names.toReversed()) turns[name]!.push(await ways[name]!())
  }
  return turns
}

function report(title: string, turns: Record<string, BenchResult[]>): void {
  const [[base] = ['']] = Object.entries(turns)
  const middle = (name: string, figure: keyof BenchResult) =>
    quantile(
      turns[name]!.map((turn) => turn[figure]),
      0.5,
    )
  process.stdout.write(`${title}\n`)
  for (const name of Object.keys(turns)) {
    const ratios = turns[name]!.map((turn, round) => turn.perSecond / turns[base]![round]!.perSecond)
    const spread = `${quantile(ratios, 0).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
    const figures = [
      `${middle(name, 'perSecond').toFixed(0)}/s`,
      `p99 ${middle(name, 'p99Ms').toFixed(2)} ms`,
      `loop ${(middle(name, 'busyShare') * 100).toFixed(0)} %`,
    ]
    process.stdout.write(`  ${name.padEnd(18)} ${figures.join('  ')}  ${quantile(ratios, 0.5).toFixed(2)} times ${base} (${spread})\n`)
  }
}

async function loadFlightDelay(): Promise<{ ask: (id: string) => () => Promise<unknown> }> {
  const project = await loadProject(fileURLToPath(new URL('../../../models', import.meta.url)))
  const model = project.models.get('flight-delay')!
  const { manifest, modelFile, modelSha256 } = model.versions.get('2')!
  for (const [id, placement, maxBatchRows] of [
    ['worker', 'worker', 64],
    ['worker, unbatched', 'worker', 1],
    ['inline', 'inline', 64],
    ['auto', 'auto', 64],
  ] as const) {
    const settings = { ...model.definition.inference, placement, max_batch_rows: maxBatchRows }
    await engine.load({ id, modelFile, modelSha256, settings })
    process.stdout.write(`${id}: ${JSON.stringify(await engine.prepare(id, toSample(manifest)))}\n`)
  }
  const sample = toSample(manifest)
  return { ask: (id) => () => askOne(engine, id, sample) }
}

function askOne(engine: InferenceEngine, sessionId: string, sample: Sample): Promise<unknown> {
  return engine.run({
    sessionId,
    inputs: takeRows(sample.inputs, [0]),
    outputs: sample.outputs,
    rows: 1,
    deadlineAtMs: Date.now() + 10_000,
  })
}

/** A thread that sends back what it gets, copied or moved. */
function startEcho() {
  const worker = new Worker(
    "const { parentPort } = require('node:worker_threads'); parentPort.on('message', ({ data, move }) => parentPort.postMessage(data, move ? [data.buffer] : []))",
    { eval: true },
  )
  const waiting: ((data: unknown) => void)[] = []
  worker.on('message', (data) => waiting.shift()?.(data))
  return {
    send: (bytes: number, move: boolean) => () =>
      new Promise((resolve) => {
        waiting.push(resolve)
        const data = new Float32Array(bytes / 4)
        worker.postMessage({ data, move }, move ? [data.buffer] : [])
      }),
    end: () => worker.terminate(),
  }
}

const { ask } = await loadFlightDelay()
for (const callers of [1, 16, 64]) {
  const ways = Object.fromEntries(['worker', 'worker, unbatched', 'inline', 'auto'].map((id) => [id, () => closedLoop(ask(id), callers)]))
  report(`flight-delay version 2, one row, ${callers} callers`, await interleave(ways))
}
await engine.close()
const echo = startEcho()
for (const bytes of [64, 1024, 4096, 16_384, 65_536]) {
  const ways = { copy: () => closedLoop(echo.send(bytes, false), 1), move: () => closedLoop(echo.send(bytes, true), 1) }
  report(`there and back, ${bytes} bytes`, await interleave(ways))
}
await echo.end()
