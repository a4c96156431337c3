import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { sha256Hex } from '../../contracts/canonical-json.ts'
import { modelDefinition } from '../../contracts/model-definition.ts'
import type { Scalar } from '../../contracts/primitives.ts'
import type { TensorType } from '../tensors/tensor.ts'
import { featureSetSha256, hashFeatures } from '../../platform/project/definition-hashes.ts'
import { readOnnxFile } from '../../platform/project/onnx-file.ts'

/** A model of a project: its ONNX file, and what its manifest says of it. */
export type OnnxModel = {
  name: string
  file: Uint8Array
  inputs: readonly { name: string; type: TensorType; shape: readonly number[]; features: readonly string[] }[]
  outputs: readonly { name: string; tensor: string; type: TensorType; column?: number }[]
  golden: readonly { features: Readonly<Record<string, Scalar>>; outputs: Readonly<Record<string, Scalar>> }[]
  /** The model's definition, instead of a regression that the first output scores. */
  definition?: object
}

const prose = { description: 'For tests.', owner: 'tests' }
const label = { name: 'measured', ...prose, type: 'number', maturity_seconds: 60, silence: 'unknown' }

/** Writes a project of these models, each with one version, which is its champion. */
export async function writeOnnxProject(dir: string, models: readonly OnnxModel[], labels: readonly { name: string }[] = []): Promise<void> {
  await mkdir(join(dir, 'labels'), { recursive: true })
  for (const one of [label, ...labels]) await writeFile(join(dir, `labels/${one.name}.yaml`), stringify(one))
  for (const model of models) {
    await mkdir(join(dir, model.name, '1'), { recursive: true })
    const definition = definitionOf(model)
    await writeFile(join(dir, model.name, 'model.yaml'), stringify(definition))
    await writeFile(join(dir, model.name, 'deployment.yaml'), stringify({ revision: 1, champion: '1' }))
    await writeFile(join(dir, model.name, '1/model.onnx'), model.file)
    await writeFile(join(dir, model.name, '1/manifest.yaml'), stringify(manifestOf(model, definition)))
  }
}

function definitionOf({ name, inputs, outputs, definition }: OnnxModel) {
  const kinds = { string: 'text', bool: 'boolean' } as const
  const typeOf = (type: TensorType) => (type === 'string' || type === 'bool' ? kinds[type] : 'number')
  return {
    name,
    ...prose,
    task: 'regression',
    primary_label: 'measured',
    entities: {},
    latency_budget_ms: 10_000,
    outputs: Object.fromEntries(
      outputs.map((output) => [output.name, { description: 'An output.', type: output.type === 'string' ? 'text' : 'number' }]),
    ),
    score: (outputs.find(({ type }) => type !== 'string') ?? outputs[0])?.name,
    features: inputs.flatMap((input) =>
      input.features.map((feature) => ({ name: feature, source: 'request', type: typeOf(input.type), on_missing: 'missing' })),
    ),
    ...definition,
  }
}

function manifestOf({ name, file, inputs, outputs, golden }: OnnxModel, definition: object): object {
  const { features } = modelDefinition.parse(definition)
  const hashes = hashFeatures(new Map(features.map((feature) => [feature.name, feature])), {
    sources: new Map(),
    views: new Map(),
    lookups: new Map(),
  })
  const names = inputs.flatMap((input) => input.features)
  const { irVersion, opsets, producer } = readOnnxFile(file)
  return {
    manifest_version: 1,
    model: name,
    version: '1',
    description: 'For tests.',
    created_at: '2001-01-01T00:00:00Z',
    model_sha256: sha256Hex(file),
    feature_set_sha256: featureSetSha256(hashes, names),
    onnx: { ir_version: irVersion, opsets, producer },
    inputs,
    outputs,
    golden,
    lineage: {
      training_data: 'none',
      training_rows: 0,
      trained_with: 'nothing',
      anchor_from: '2001-01-01T00:00:00Z',
      anchor_to: '2001-01-02T00:00:00Z',
    },
  }
}
