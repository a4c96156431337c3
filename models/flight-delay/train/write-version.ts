import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { sha256Hex } from '../../../contracts/canonical-json.ts'
import { toTimestamp } from '../../../contracts/primitives.ts'
import { type VersionManifest, versionManifest } from '../../../contracts/version-manifest.ts'
import { featureSetSha256 } from '../../../platform/project/definition-hashes.ts'
import type { ProjectModel } from '../../../platform/project/project.ts'
import { openScorer } from './score-onnxruntime.ts'
import type { RowsSummary } from './training-rows.ts'

/** The part of a version that train.py reports. */
export type TrainingResult = {
  ir_version: number
  opsets: Record<string, number>
  producer: string
  trained_with: string
  parameters: Record<string, string | number | boolean>
  metrics: Record<string, number>
  golden: Record<string, number>[]
}

export type WriteVersion = {
  model: ProjectModel
  version: string
  description: string
  features: string[]
  onnxFile: string
  result: TrainingResult
  trainingRows: RowsSummary
  trainingData: string
  codeVersion: string | undefined
  /** The model's folder. */
  dir: string
  now: number
}

/** How a manifest begins: the schema for editors, and that it is generated. */
export const manifestHead = `# yaml-language-server: $schema=../../../contracts/schemas/manifest.schema.json
# Made by flight-delay/train/train.ts. Never edited: the next version gets a folder of its own.
`

/** Writes `<version>/model.onnx` and its manifest; the golden outputs are what ONNX Runtime answers here. */
export async function writeVersion(options: WriteVersion): Promise<VersionManifest> {
  const folder = join(options.dir, options.version)
  await mkdir(folder, { recursive: true })
  const modelFile = join(folder, 'model.onnx')
  await copyFile(options.onnxFile, modelFile)
  const manifest = versionManifest.parse(await toManifest(options, modelFile))
  await writeFile(join(folder, 'manifest.yaml'), manifestHead + stringify(manifest, { lineWidth: 120 }))
  return manifest
}

async function toManifest(
  { model, features, result, trainingRows, ...options }: WriteVersion,
  modelFile: string,
): Promise<VersionManifest> {
  const score = await openScorer(modelFile, features)
  const probabilities = await score(result.golden.map((row) => features.map((name) => row[name] ?? Number.NaN)))
  return {
    manifest_version: 1,
    model: model.definition.name,
    version: options.version,
    description: options.description,
    created_at: toTimestamp(options.now),
    model_file: 'model.onnx',
    model_sha256: sha256Hex(await readFile(modelFile)),
    feature_set_sha256: featureSetSha256(model.featureHashes, features),
    onnx: { ir_version: result.ir_version, opsets: result.opsets, producer: result.producer },
    inputs: [{ name: 'features', type: 'float32', shape: [-1, features.length], features }],
    outputs: [{ name: 'probability_late', tensor: 'probabilities', type: 'float32', column: 1 }],
    lineage: {
      training_data: options.trainingData,
      training_rows: trainingRows.rows,
      training_rows_sha256: trainingRows.sha256,
      anchor_from: toTimestamp(trainingRows.anchorFromMs),
      anchor_to: toTimestamp(trainingRows.anchorToMs),
      trained_with: result.trained_with,
      parameters: result.parameters,
      ...(options.codeVersion === undefined ? {} : { code_version: options.codeVersion }),
    },
    metrics: result.metrics,
    golden: result.golden.map((row, index) => ({ features: row, outputs: { probability_late: probabilities[index]! } })),
    golden_tolerance: 1e-5,
  }
}
