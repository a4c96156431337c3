import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { sha256Hex } from '../../contracts/canonical-json.ts'
import { eventSourceDefinition } from '../../contracts/event-source.ts'
import { featureViewDefinition } from '../../contracts/feature-view.ts'
import { modelDefinition, type OnlineFeature } from '../../contracts/model-definition.ts'
import type { VersionManifest } from '../../contracts/version-manifest.ts'
import { featureSetSha256, hashFeatures } from '../../platform/project/definition-hashes.ts'

const fixture = new URL('./fixtures/logistic.onnx', import.meta.url)

const prose = { description: 'For tests.', owner: 'tests' }
const source = { name: 'sale', ...prose, keys: { shop: { entity: 'shop' } }, values: { amount: { min: 0, max: 10_000 } } }
const view = {
  name: 'shop_sales',
  ...prose,
  source: 'sale',
  key: 'shop',
  entity: 'shop',
  features: [{ name: 'sum_1h', aggregation: 'sum', value: 'amount', window_seconds: 3600 }],
}
const label = { name: 'returned', ...prose, type: 'binary', maturity_seconds: 86_400, silence: 'negative' }
type MissingRules = Partial<Pick<OnlineFeature, 'on_store_unavailable'>>

const modelWith = (rules: MissingRules) => ({
  name: 'basket',
  ...prose,
  task: 'binary_classification',
  primary_label: 'returned',
  entities: { shop: { entity: 'shop' } },
  outputs: { probability: { description: 'Of being returned.' } },
  score: 'probability',
  decision: { output: 'probability', threshold: 0.5, above: true, below: false },
  features: [
    { name: 'price', source: 'request', min: 0, max: 1000 },
    {
      name: 'sales_1h',
      source: 'online',
      view: 'shop_sales',
      feature: 'sum_1h',
      entity: 'shop',
      on_missing: 'default',
      default: 0,
      ...rules,
    },
  ],
  latency_budget_ms: 5000,
})

/** The probability that the fixture computes. */
export const probabilityOf = (price: number, sales: number): number => 1 / (1 + Math.exp(-(0.5 * price - 0.25 * sales + 0.1)))

/** A project folder whose model has version 1 and 2. `rules` go to its online feature. */
export async function writeTestProject(dir: string, rules: MissingRules = {}): Promise<void> {
  const model = modelWith(rules)
  await write(dir, 'sources/sale.yaml', source)
  await write(dir, 'features/shop_sales.yaml', view)
  await write(dir, 'labels/returned.yaml', label)
  await write(dir, 'basket/model.yaml', model)
  await write(dir, 'basket/deployment.yaml', { revision: 1, champion: '1', shadows: ['2'] })
  for (const version of ['1', '2']) await writeVersion(dir, version, { feature_set_sha256: featureSet(model) })
}

/**
 * Adds a version for each way to be bad: 3 has a golden request that does not hold, 4 another file's hash, 5 a tensor that
 * its file lacks.
 */
export async function addBadVersions(dir: string): Promise<void> {
  await writeVersion(dir, '3', { golden: [{ features: { price: 1, sales_1h: 2 }, outputs: { probability: 0.9 } }] })
  await writeVersion(dir, '4', { model_sha256: '0'.repeat(64) })
  await writeVersion(dir, '5', { inputs: [{ ...input, name: 'y' }] })
}

async function writeVersion(dir: string, version: string, changes: Partial<VersionManifest> = {}): Promise<void> {
  const manifest = manifestOf(await readFile(fixture), featureSet(modelWith({})))
  await write(dir, `basket/${version}/manifest.yaml`, { ...manifest, ...changes, version })
  await copyFile(fixture, join(dir, `basket/${version}/model.onnx`))
}

async function write(dir: string, file: string, content: object): Promise<void> {
  const path = join(dir, file)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, stringify(content))
}

const input: VersionManifest['inputs'][number] = { name: 'x', type: 'float32', shape: [-1, 2], features: ['price', 'sales_1h'] }

function manifestOf(bytes: Uint8Array, featureSetHash: string): VersionManifest {
  return {
    manifest_version: 1,
    model: 'basket',
    version: '1',
    description: 'A logistic regression.',
    created_at: '2001-01-01T00:00:00Z',
    model_file: 'model.onnx',
    model_sha256: sha256Hex(bytes),
    feature_set_sha256: featureSetHash,
    onnx: { ir_version: 8, opsets: { 'ai.onnx': 17 }, producer: 'hindsight-tests' },
    inputs: [input],
    outputs: [{ name: 'probability', tensor: 'probability', type: 'float32', column: 0 }],
    lineage: {
      training_data: 'none',
      training_rows: 0,
      anchor_from: '2001-01-01T00:00:00Z',
      anchor_to: '2001-01-02T00:00:00Z',
      trained_with: 'nothing',
      parameters: {},
    },
    metrics: {},
    golden: [{ features: { price: 1, sales_1h: 2 }, outputs: { probability: probabilityOf(1, 2) } }],
    golden_tolerance: 1e-5,
  }
}

function featureSet(model: object): string {
  const { features } = modelDefinition.parse(model)
  const definitions = {
    sources: new Map([['sale', eventSourceDefinition.parse(source)]]),
    views: new Map([['shop_sales', featureViewDefinition.parse(view)]]),
    lookups: new Map(),
  }
  const hashes = hashFeatures(new Map(features.map((feature) => [feature.name, feature])), definitions)
  return featureSetSha256(hashes, ['price', 'sales_1h'])
}
