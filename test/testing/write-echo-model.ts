import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { sha256Hex } from '../../contracts/canonical-json.ts'
import { modelDefinition } from '../../contracts/model-definition.ts'
import type { TensorType } from '../../gateway/tensors/tensor.ts'
import { featureSetSha256, hashFeatures } from '../../platform/project/definition-hashes.ts'

const fixtures = fileURLToPath(new URL('../../gateway/testing/fixtures/', import.meta.url))

const prose = { description: 'For tests.', owner: 'tests' }
type EchoTensor = { feature: string; type: TensorType; golden: string | number | boolean }

/** Each model's tensors, in the order of its file. */
const models: Record<string, readonly EchoTensor[]> = {
  echo: [
    { feature: 'text', type: 'string', golden: 'a' },
    { feature: 'whole', type: 'int64', golden: 1 },
    { feature: 'small', type: 'int32', golden: 2 },
    { feature: 'precise', type: 'float64', golden: 0.5 },
    { feature: 'flag', type: 'bool', golden: true },
  ],
  integers: [
    { feature: 'tiny', type: 'int8', golden: -128 },
    { feature: 'short', type: 'int16', golden: -32_768 },
    { feature: 'octet', type: 'uint8', golden: 255 },
    { feature: 'word', type: 'uint16', golden: 65_535 },
    { feature: 'wide', type: 'uint32', golden: 4_294_967_295 },
    { feature: 'huge', type: 'uint64', golden: 9_007_199_254_740_991 },
  ],
  halves: [{ feature: 'half', type: 'float16', golden: 0.5 }],
}

function definitionOf(name: string, tensors: readonly EchoTensor[]) {
  return {
    name,
    ...prose,
    task: 'regression',
    primary_label: 'measured',
    entities: {},
    outputs: Object.fromEntries(
      tensors.map(({ feature, golden }) => [
        `${feature}_again`,
        { description: 'What was sent.', type: typeof golden === 'string' ? 'text' : 'number' },
      ]),
    ),
    score: `${tensors.find(({ golden }) => typeof golden === 'number')?.feature}_again`,
    features: tensors.map(({ feature, golden }) => ({
      name: feature,
      source: 'request',
      type: typeof golden === 'string' ? 'text' : typeof golden,
      on_missing: 'missing',
    })),
    latency_budget_ms: 10_000,
  }
}

const label = { name: 'measured', ...prose, type: 'number', min: -1000, max: 1000, maturity_seconds: 3600, silence: 'unknown' }

/** Models more for a project: their tensors have every type that a version's may have, and come back as they were sent. */
export async function writeEchoModels(dir: string): Promise<void> {
  await writeFile(join(dir, 'labels/measured.yaml'), stringify(label))
  for (const [name, tensors] of Object.entries(models)) {
    const file = join(fixtures, `${name}.onnx`)
    const definition = definitionOf(name, tensors)
    await mkdir(join(dir, name, '1'), { recursive: true })
    await writeFile(join(dir, name, 'model.yaml'), stringify(definition))
    await writeFile(join(dir, name, 'deployment.yaml'), stringify({ revision: 1, champion: '1' }))
    await writeFile(join(dir, name, '1/manifest.yaml'), stringify(manifestOf(definition, tensors, sha256Hex(await readFile(file)))))
    await copyFile(file, join(dir, name, '1/model.onnx'))
  }
}

function manifestOf(definition: ReturnType<typeof definitionOf>, tensors: readonly EchoTensor[], modelSha256: string): object {
  const { name, features } = modelDefinition.parse(definition)
  const hashes = hashFeatures(new Map(features.map((feature) => [feature.name, feature])), {
    sources: new Map(),
    views: new Map(),
    lookups: new Map(),
  })
  return {
    manifest_version: 1,
    model: name,
    version: '1',
    description: 'Gives back what it was sent.',
    created_at: '2001-01-01T00:00:00Z',
    model_sha256: modelSha256,
    feature_set_sha256: featureSetSha256(
      hashes,
      tensors.map(({ feature }) => feature),
    ),
    onnx: { ir_version: 8, opsets: { 'ai.onnx': 17 }, producer: 'hindsight-tests' },
    inputs: tensors.map(({ feature, type }) => ({ name: feature, type, shape: [-1], features: [feature] })),
    outputs: tensors.map(({ feature, type }) => ({ name: `${feature}_again`, tensor: `${feature}_out`, type })),
    lineage: {
      training_data: 'none',
      training_rows: 0,
      anchor_from: '2001-01-01T00:00:00Z',
      anchor_to: '2001-01-02T00:00:00Z',
      trained_with: 'nothing',
    },
    golden: [
      {
        features: Object.fromEntries(tensors.map(({ feature, golden }) => [feature, golden])),
        outputs: Object.fromEntries(tensors.map(({ feature, golden }) => [`${feature}_again`, golden])),
      },
    ],
  }
}
