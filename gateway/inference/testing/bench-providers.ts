/**
 * Rows per second of a project's champion on each execution provider, by the rows of a run: rounds in which they take turns.
 * `node --import=#typescript gateway/inference/testing/bench-providers.ts PROJECT MODEL PROVIDER...`
 */
import { modelDefinition } from '../../../contracts/model-definition.ts'
import { createServiceLogger } from '../../../platform/service/logging-pino.ts'
import { loadProject } from '../../../platform/project/load-project.ts'
import { takeRows } from '../batch.ts'
import { toSample } from '../golden.ts'
import type { Sample } from '../inference.ts'
import { createOnnxInference } from '../inference-onnxruntime.ts'

const [projectDir = 'models', modelName = 'flight-delay', ...providers] = process.argv.slice(2)
const batches = [1, 8, 64, 512, 4096]
const rounds = 7
const turnMs = 500

const { logger } = createServiceLogger({ service: 'bench', level: 'warn' })
const engine = createOnnxInference({ logger, threads: 1, maxQueuedRows: 16_384 })
const model = (await loadProject(projectDir)).models.get(modelName)
const version = model?.versions.get(model.deployment.champion)
if (model === undefined || version === undefined) throw new Error(`${projectDir} has no model ${modelName} that can be served`)
const sample = toSample(version.manifest)

for (const provider of providers) {
  const { execution_providers } = modelDefinition.shape.inference.parse({ execution_providers: [provider] })
  const settings = { ...model.definition.inference, execution_providers, placement: 'worker' as const, max_batch_rows: 4096 }
  await engine.load({ id: provider, modelFile: version.modelFile, modelSha256: version.modelSha256, settings })
}
for (const rows of batches) {
  const found = new Map(providers.map((provider): [string, number[]] => [provider, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const provider of round % 2 === 0 ? providers : providers.toReversed()) {
      const perSecond = await rowsPerSecond(provider, rows)
      // The first round compiles what a run of this size needs.
      if (round > 0) found.get(provider)!.push(perSecond)
    }
  }
  const figures = [...found].map(([provider, values]) => `${provider} ${toText(values)}`)
  process.stdout.write(`${String(rows).padStart(5)} rows a run: ${figures.join('   ')}\n`)
}
await engine.close()

async function rowsPerSecond(provider: string, rows: number): Promise<number> {
  const indices = Array.from({ length: rows }, (_, row) => row % sample.rows)
  const startedAt = performance.now()
  let runs = 0
  for (; performance.now() - startedAt < turnMs; runs++) {
    const request: Sample = { inputs: takeRows(sample.inputs, indices), outputs: sample.outputs, rows }
    await engine.run({ sessionId: provider, ...request, deadlineAtMs: Date.now() + 60_000 })
  }
  return (runs * rows * 1000) / (performance.now() - startedAt)
}

function toText(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b).map((value) => Math.round(value))
  return `${sorted[Math.floor(sorted.length / 2)]}/s [${sorted[0]}, ${sorted.at(-1)}]`
}
