import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import { sha256Hex } from '../../contracts/canonical-json.ts'
import { eventSourceDefinition } from '../../contracts/event-source.ts'
import { featureViewDefinition } from '../../contracts/feature-view.ts'
import { modelDefinition } from '../../contracts/model-definition.ts'
import { buildOnnx } from '../../gateway/testing/build-onnx.ts'
import { featureSetSha256, hashFeatures } from '../../platform/project/definition-hashes.ts'

/** How many features of a shop a model reads: as many as the example model, and as Feast's own benchmarks. */
export const featureCounts = [6, 50] as const
export const shops = 200
export const shopName = (index: number): string => `shop-${index % shops}`

const anchor = Date.UTC(2001, 5, 4, 12)
export const anchorTime = new Date(anchor).toISOString()

const aggregations = ['count', 'sum', 'mean', 'min', 'max'] as const
const windows = Array.from({ length: 10 }, (_, index) => 3_000 + index * 1_200)
const prose = { description: 'For measurements.', owner: 'loadtest' }

const source = { name: 'sale', ...prose, keys: { shop: { entity: 'shop' } }, values: { amount: { min: 0, max: 10_000 } } }
/** Fifty features, the aggregations of ten windows; the first six have an aggregation twice. */
const view = {
  name: 'sales',
  ...prose,
  source: 'sale',
  key: 'shop',
  entity: 'shop',
  hop_seconds: 300,
  features: windows.flatMap((window_seconds) =>
    aggregations.map((aggregation) => ({
      name: `${aggregation}_${window_seconds}s`,
      aggregation,
      window_seconds,
      ...(aggregation !== 'count' && { value: 'amount' }),
    })),
  ),
}

/** A project of the models `sales-6` and `sales-50`: a sum over so many online features of one entity. */
export function writeShapesProject(dir: string): void {
  const write = (file: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(dir, file)), { recursive: true })
    writeFileSync(join(dir, file), content)
  }
  write('sources/sale.yaml', stringify(source))
  write('features/sales.yaml', stringify(view))
  write('labels/returned.yaml', stringify({ name: 'returned', ...prose, type: 'number', maturity_seconds: 60, silence: 'unknown' }))
  for (const count of featureCounts) {
    const definition = defineModel(count)
    const file = buildSum(count)
    write(`${definition.name}/model.yaml`, stringify(definition))
    write(`${definition.name}/deployment.yaml`, stringify({ revision: 1, champion: '1' }))
    write(`${definition.name}/1/model.onnx`, file)
    write(`${definition.name}/1/manifest.yaml`, stringify(describeVersion(definition, file)))
  }
}

/** The bodies of sales: one of each shop in each hop of the longest window. */
export function salesBodies(): string[] {
  return Array.from({ length: 40 }, (_, hop) => {
    const at = new Date(anchor - (hop + 0.5) * 300_000).toISOString()
    const events = Array.from({ length: shops }, (_shop, index) => ({
      event_id: `sale-${hop}-${index}`,
      keys: { shop: shopName(index) },
      values: { amount: (hop * 7 + index) % 100 },
      event_time: at,
      known_at: at,
    }))
    return JSON.stringify({ events })
  })
}

function defineModel(count: number) {
  return {
    name: `sales-${count}`,
    ...prose,
    task: 'regression',
    primary_label: 'returned',
    entities: { shop: { entity: 'shop' } },
    outputs: { total: { description: 'A sum.' } },
    score: 'total',
    features: view.features
      .slice(0, count)
      .map(({ name }) => ({ name, source: 'online', view: 'sales', feature: name, entity: 'shop', on_missing: 'default', default: 0 })),
    latency_budget_ms: 1_000,
  }
}

function buildSum(count: number): Uint8Array {
  return buildOnnx({
    nodes: [{ op: 'MatMul', inputs: ['x', 'weights'], outputs: ['total'] }],
    inputs: [{ name: 'x', type: 'float32', shape: ['rows', count] }],
    outputs: [{ name: 'total', type: 'float32', shape: ['rows', 1] }],
    initializers: { weights: { shape: [count, 1], data: Array.from({ length: count }, () => 1) } },
  })
}

function describeVersion(definition: ReturnType<typeof defineModel>, file: Uint8Array): object {
  const features = modelDefinition.parse(definition).features
  const names = features.map(({ name }) => name)
  const hashes = hashFeatures(new Map(features.map((feature) => [feature.name, feature])), {
    sources: new Map([['sale', eventSourceDefinition.parse(source)]]),
    views: new Map([['sales', featureViewDefinition.parse(view)]]),
    lookups: new Map(),
  })
  return {
    manifest_version: 1,
    model: definition.name,
    version: '1',
    description: 'A sum.',
    created_at: '2001-01-01T00:00:00Z',
    model_sha256: sha256Hex(file),
    feature_set_sha256: featureSetSha256(hashes, names),
    onnx: { ir_version: 8, opsets: { 'ai.onnx': 17 }, producer: 'hindsight-tests' },
    inputs: [{ name: 'x', type: 'float32', shape: [-1, names.length], features: names }],
    outputs: [{ name: 'total', tensor: 'total', type: 'float32', column: 0 }],
    golden: [{ features: Object.fromEntries(names.map((name) => [name, 1])), outputs: { total: names.length } }],
    lineage: {
      training_data: 'none',
      training_rows: 0,
      trained_with: 'nothing',
      anchor_from: '2001-01-01T00:00:00Z',
      anchor_to: '2001-01-02T00:00:00Z',
    },
  }
}
