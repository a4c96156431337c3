import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Scalar } from '../contracts/primitives.ts'
import { loadProject } from '../platform/project/load-project.ts'
import type { Project } from '../platform/project/project.ts'
import { checkVersions } from './check-versions.ts'
import type { InferenceEngine } from './inference/inference.ts'
import type { TensorType } from './tensors/tensor.ts'
import { createOnnxInference } from './inference/inference-onnxruntime.ts'
import { runInstances } from './testing/run-instances.ts'
import type { ServingVersion } from './predict/serving-model.ts'
import { createVersionFeatures } from './predict/version-features.ts'
import { loadVersion } from './predict/warm-up.ts'
import { buildOnnx, type Dimension, type ElementType, type OnnxGraph, type OnnxNode, type OnnxValue } from './testing/build-onnx.ts'
import { type OnnxModel, writeOnnxProject } from './testing/write-onnx-model.ts'

type Row = Record<string, Scalar>
type ModelCase = OnnxModel & { served?: readonly (readonly [Row, Row])[]; rowByRow?: boolean; refused?: RegExp }

const letters = ['a', 'b', 'c', 'd', 'e', 'f']
const rowOf = (...values: Scalar[]): Row => Object.fromEntries(values.map((value, index) => [letters[index]!, value]))
const value = (name: string, type: ElementType, shape?: readonly Dimension[]): OnnxValue => ({ name, type, ...(shape && { shape }) })
const node = (op: string, inputs: string[], outputs: string[], attributes = {}): OnnxNode => ({ op, inputs, outputs, attributes })

const axis = (...axes: number[]) => ({ axes: { shape: [axes.length], data: axes.map(BigInt) } })
const sumRow = node('ReduceSum', ['x', 'axes'], ['y'], { keepdims: 1 })

/** A file that sums the three numbers of a row, in the shapes given, and what its manifest says. */
function summing(
  name: string,
  file: { x?: readonly Dimension[]; y?: readonly Dimension[] },
  shape: readonly number[],
  rest: Partial<ModelCase>,
): ModelCase {
  const graph = {
    nodes: [sumRow],
    inputs: [value('x', 'float32', file.x)],
    outputs: [value('y', 'float32', file.y)],
    initializers: axis(1),
  }
  return { ...of(name, graph, { x: { type: 'float32', shape, features: letters.slice(0, 3) } }), ...rest }
}

function of(
  name: string,
  graph: OnnxGraph,
  inputs: Record<string, Omit<OnnxModel['inputs'][number], 'name'>>,
  type: TensorType = 'float32',
): ModelCase {
  return {
    name,
    file: buildOnnx(graph),
    inputs: Object.entries(inputs).map(([input, rest]) => ({ name: input, ...rest })),
    outputs: [{ name: 'score', tensor: 'y', type }],
    golden: [],
  }
}

const sums = [
  [rowOf(1, 2, 3), { score: 6 }],
  [rowOf(4, 5, 7), { score: 16 }],
  [rowOf(-1, 0.5, 0), { score: -0.5 }],
] as const
const negative = [
  [rowOf(2), { score: -2 }],
  [rowOf(-3), { score: 3 }],
] as const
const negate = (type: ElementType, shape: readonly Dimension[]): OnnxGraph => ({
  nodes: [node('Neg', ['x'], ['y'])],
  inputs: [value('x', type, shape)],
  outputs: [value('y', type, shape)],
})
const same = (type: ElementType): OnnxGraph => ({
  nodes: [node('Identity', ['x'], ['y'])],
  inputs: [value('x', type, ['N', 1])],
  outputs: [value('y', type, ['N', 1])],
})
const one = (type: TensorType, shape: readonly number[] = [-1, 1]) => ({ x: { type, shape, features: ['a'] } })
const two = { x: { type: 'float32', shape: [-1, 2], features: ['a', 'b'] } } as const
const pairs: Pick<OnnxGraph, 'inputs'> = { inputs: [value('x', 'float32', ['N', 2])] }

const shapes: ModelCase[] = [
  summing('free-rows', { x: ['N', 3], y: ['N', 1] }, [-1, 3], { served: sums, rowByRow: false }),
  summing('dimension-minus-one', { x: [-1, 3], y: [-1, 1] }, [-1, 3], { served: sums, rowByRow: false }),
  summing('both-unknown', { x: [null, null], y: [null, null] }, [-1, 3], { served: sums, rowByRow: false }),
  summing('both-unknown-in-the-manifest', { x: [null, null], y: [null, null] }, [-1, -1], { served: sums }),
  summing('symbols', { x: ['batch', 'width'], y: ['batch', 'one'] }, [-1, 3], { served: sums, rowByRow: false }),
  summing('no-shape', {}, [-1, 3], { served: sums, rowByRow: false }),
  summing('one-row', { x: [1, 3], y: [1, 1] }, [1, 3], { served: sums, rowByRow: true }),
  summing('one-row-wanted', { x: ['N', 3], y: ['N', 1] }, [1, 3], { served: sums, rowByRow: true }),
  summing('one-row-called-many', { x: [1, 3], y: [1, 1] }, [-1, 3], { refused: /inputs\[0\]\.shape.*the file's is \[1, 3\]/ }),
  summing('four-rows', { x: [4, 3], y: [4, 1] }, [4, 3], { refused: /takes 4 rows at a time/ }),
  summing('no-rows', { x: [0, 3], y: [0, 1] }, [0, 3], { refused: /no place for the 3 features/ }),
  summing('another-width', { x: ['N', 4], y: ['N', 1] }, [-1, 3], { refused: /the file's is \[-1, 4\]/ }),
  summing('another-rank', { x: ['N', 3, 1], y: ['N', 1, 1] }, [-1, 3], { refused: /the file's is \[-1, 3, 1\]/ }),
  summing('two-unknown', { x: ['N', 'K', 'L'], y: ['N', 1, 'L'] }, [-1, -1, -1], { refused: /state all dimensions/ }),
  { ...of('scalar', negate('float32', []), one('float32', [])), served: negative, rowByRow: true },
  { ...of('vector-of-rows', negate('float32', ['N']), one('float32', [-1])), served: negative, rowByRow: false },
  { ...of('vector-of-one', negate('float32', [1]), one('float32', [1])), served: negative, rowByRow: true },
  {
    ...of('vector-of-features', negate('float32', [3]), { x: { type: 'float32', shape: [3], features: ['a', 'b', 'c'] } }),
    outputs: [
      { name: 'first', tensor: 'y', type: 'float32' },
      { name: 'third', tensor: 'y', type: 'float32', column: 2 },
    ],
    served: [
      [rowOf(1, 2, 3), { first: -1, third: -3 }],
      [rowOf(4, 5, 6), { first: -4, third: -6 }],
    ],
    rowByRow: true,
  },
  {
    ...of(
      'three-dimensions',
      {
        nodes: [node('ReduceSum', ['x', 'axes'], ['y'], { keepdims: 0 })],
        inputs: [value('x', 'float32', ['N', 2, 3])],
        outputs: [value('y', 'float32', ['N'])],
        initializers: axis(1, 2),
      },
      { x: { type: 'float32', shape: [-1, 2, 3], features: letters } },
    ),
    served: [
      [rowOf(1, 2, 3, 4, 5, 6), { score: 21 }],
      [rowOf(1, 1, 1, 1, 1, 1), { score: 6 }],
    ],
    rowByRow: false,
  },
  {
    ...of(
      'a-scalar-beside-rows',
      {
        nodes: [node('Mul', ['x', 'k'], ['y'])],
        inputs: [value('x', 'float32', ['N', 2]), value('k', 'float32', [])],
        outputs: [value('y', 'float32', ['N', 2])],
      },
      { x: two.x, k: { type: 'float32', shape: [], features: ['c'] } },
    ),
    served: [
      [rowOf(1, 2, 10), { score: 10 }],
      [rowOf(3, 4, 100), { score: 300 }],
    ],
    rowByRow: true,
  },
]

const rows: ModelCase[] = [
  {
    ...of(
      'rows-that-depend-on-one-another',
      { ...pairs, nodes: [node('Softmax', ['x'], ['y'], { axis: 0 })], outputs: [value('y', 'float32', ['N', 2])] },
      two,
    ),
    served: [
      [rowOf(5, 1), { score: 1 }],
      [rowOf(1, 9), { score: 1 }],
    ],
    rowByRow: true,
  },
  {
    ...of(
      'one-number-for-all-rows',
      { ...pairs, nodes: [node('ReduceSum', ['x'], ['y'], { keepdims: 0 })], outputs: [value('y', 'float32', [])] },
      two,
    ),
    served: [
      [rowOf(1, 2), { score: 3 }],
      [rowOf(10, 20), { score: 30 }],
    ],
    rowByRow: true,
  },
  {
    ...of(
      'one-row-inside',
      {
        nodes: [node('Reshape', ['x', 'shape'], ['r']), node('ReduceSum', ['r', 'axes'], ['y'], { keepdims: 1 })],
        inputs: [value('x', 'float32', ['N', 3])],
        outputs: [value('y', 'float32', [null, 1])],
        initializers: { ...axis(1), shape: { shape: [2], data: [1n, 3n] } },
      },
      { x: { type: 'float32', shape: [-1, 3], features: ['a', 'b', 'c'] } },
    ),
    served: sums,
    rowByRow: true,
  },
  {
    ...of(
      'as-many-values-as-are-not-zero',
      { ...pairs, nodes: [node('NonZero', ['x'], ['y'])], outputs: [value('y', 'int64', [2, null])] },
      two,
      'int64',
    ),
    served: [[rowOf(1, 2), { score: 0 }]],
    rowByRow: true,
  },
]

const types: ModelCase[] = [
  { ...of('of-float64', same('float64'), one('float64'), 'float64'), served: [[rowOf(0.1), { score: 0.1 }]] },
  { ...of('of-float16', same('float16'), one('float16'), 'float16'), served: [[rowOf(0.5), { score: 0.5 }]] },
  { ...of('of-int32', same('int32'), one('int32'), 'int32'), served: [[rowOf(-7), { score: -7 }]] },
  { ...of('of-int64', same('int64'), one('int64'), 'int64'), served: [[rowOf(2 ** 53 - 1), { score: 2 ** 53 - 1 }]] },
  { ...of('of-uint8', same('uint8'), one('uint8'), 'uint8'), served: [[rowOf(255), { score: 255 }]] },
  { ...of('of-bool', same('bool'), one('bool'), 'bool'), served: [[rowOf(true), { score: true }]] },
  {
    ...of('of-string', same('string'), one('string'), 'string'),
    definition: { task: 'regression', outputs: {} },
    refused: /has no output "score"/,
  },
  { ...of('of-bfloat16', same('bfloat16'), one('float32')), refused: /tensor "x" of the file is bfloat16/ },
  { ...of('called-float64', same('float32'), one('float64')), refused: /tensor "x" of the file is float32/ },
  {
    ...of('a-golden-too-large', same('float32'), one('float32')),
    golden: [{ features: { a: 1e39 }, outputs: {} }],
    refused: /golden\[0\]\.features\.a.*too large/,
  },
  {
    ...of('a-golden-too-large-for-half', same('float16'), one('float16'), 'float16'),
    golden: [{ features: { a: 1e5 }, outputs: {} }],
    refused: /golden\[0\]\.features\.a.*too large/,
  },
  {
    ...of('a-golden-not-exact', same('int64'), one('int64'), 'int64'),
    golden: [{ features: { a: 2 ** 60 }, outputs: {} }],
    refused: /golden\[0\]\.features\.a.*2\^53/,
  },
  { ...of('a-golden-missing', same('int64'), one('int64'), 'int64'), golden: [{ features: {}, outputs: {} }], refused: /a is missing/ },
  {
    ...of('another-golden', same('float32'), one('float32')),
    golden: [{ features: { a: 1 }, outputs: { score: 2 } }],
    refused: /score is 1, recorded is 2/,
  },
]

const extra = (within: OnnxValue['within'], op: string): OnnxGraph => ({
  ...pairs,
  nodes: [node('ReduceSum', ['x', 'axes'], ['y'], { keepdims: 1 }), node(op, ['x'], ['extra'])],
  outputs: [value('y', 'float32', ['N', 1]), { ...value('extra', 'float32'), ...(within && { within }) }],
  initializers: axis(1),
})
const named = { outputs: [{ name: 'score', tensor: 'extra', type: 'float32' as const }] }
const nothing: Pick<OnnxGraph, 'nodes' | 'inputs' | 'initializers'> = { ...pairs, nodes: [sumRow], initializers: axis(1) }
const total = { ...nothing, outputs: [value('y', 'float32', ['N', 1])] }

const tensors: ModelCase[] = [
  { ...of('a-sequence-beside', extra('sequence', 'SplitToSequence'), two), served: [[rowOf(1, 2), { score: 3 }]] },
  { ...of('an-optional-beside', extra('optional', 'Optional'), two), served: [[rowOf(1, 2), { score: 3 }]] },
  {
    ...of('a-sequence', extra('sequence', 'SplitToSequence'), two),
    ...named,
    refused: /its node SplitToSequence makes it of "x"/,
  },
  { ...of('an-optional', extra('optional', 'Optional'), two), ...named, refused: /kind optional/ },
  { ...of('no-output', { ...nothing, outputs: [] }, two), refused: /the file has no tensor "y"/ },
  { ...of('no-such-column', total, two), outputs: [{ name: 'score', tensor: 'y', type: 'float32', column: 1 }], refused: /has 1 column$/m },
  {
    ...of('no-such-column-when-run', { ...nothing, outputs: [value('y', 'float32', ['N', null])] }, two),
    outputs: [{ name: 'score', tensor: 'y', type: 'float32', column: 1 }],
    refused: /gave no score/,
  },
  {
    ...of(
      'an-input-with-a-default',
      {
        nodes: [node('Mul', ['x', 'k'], ['m']), node('ReduceSum', ['m', 'axes'], ['y'], { keepdims: 1 })],
        inputs: [...pairs.inputs, value('k', 'float32', [2])],
        outputs: [value('y', 'float32', ['N', 1])],
        initializers: { ...axis(1), k: { shape: [2], data: [2, 3] } },
      },
      two,
    ),
    served: [[rowOf(1, 2), { score: 8 }]],
  },
  {
    ...of('an-input-that-nobody-fills', { ...total, inputs: [...pairs.inputs, value('z', 'float32', ['N'])] }, two),
    refused: /input "z" is missing/,
  },
  {
    ...of(
      'not-a-number',
      {
        ...pairs,
        nodes: [node('Sub', ['x', 'x'], ['z']), node('Div', ['z', 'z'], ['y'])],
        outputs: [value('y', 'float32', ['N', 2])],
      },
      two,
    ),
    refused: /score is not finite/,
  },
  { ...of('an-opset-to-come', { ...total, opset: 99 }, two), refused: /ONNX Runtime: .*99/ },
  { ...of('a-format-to-come', { ...total, irVersion: 99 }, two), refused: /ONNX Runtime: .*99/ },
  { ...of('no-such-operator', { ...total, nodes: [node('Guess', ['x'], ['y'])] }, two), refused: /ONNX Runtime: .*Guess/ },
  { ...of('of-another-domain', { ...total, nodes: [{ ...sumRow, domain: 'com.example' }] }, two), refused: /ONNX Runtime: / },
]

const many = Array.from({ length: 4096 }, (_, index) => `feature_${index}`)
const wide: ModelCase = {
  ...of(
    'four-thousand-features',
    { ...total, inputs: [value('x', 'float32', ['N', many.length])] },
    { x: { type: 'float32', shape: [-1, many.length], features: many } },
  ),
  refused: /an event of 4096 features takes \d+ bytes or more/,
}

const cases = [wide, ...shapes, ...rows, ...types, ...tensors].map((one): ModelCase => {
  const golden = one.golden.length > 0 ? one.golden : (one.served ?? [[rowOf(1, 2, 3, 4, 5, 6)] as const]).map(([features]) => features)
  const names = one.inputs.flatMap(({ features }) => features)
  const own = (row: Row) => Object.fromEntries(Object.entries(row).filter(([name]) => names.includes(name)))
  return {
    ...one,
    golden: golden.map((row) => ('features' in row ? (row as OnnxModel['golden'][number]) : { features: own(row as Row), outputs: {} })),
  }
})

let dir: string
let project: Project
let inference: InferenceEngine
const refusals = new Map<string, string>()
const logger = pino({ level: 'silent' })

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'onnx-files-'))
  await writeOnnxProject(dir, cases)
  project = await loadProject(dir)
  const { problems } = await checkVersions(project, logger)
  for (const { file, path, message, hint } of [...project.problems, ...problems].toReversed())
    refusals.set(file.split('/', 1)[0]!, `${path}: ${message}\n${hint ?? ''}`)
  inference = createOnnxInference({ logger, threads: 1, maxQueuedRows: 1000 })
})
afterAll(async () => {
  await inference?.close()
  await rm(dir, { recursive: true, force: true })
})

const open = (name: string): Promise<ServingVersion> => {
  const model = project.models.get(name)
  const version = model?.versions.get('1')
  if (model === undefined || version === undefined) return Promise.reject(new Error('the project does not hold it'))
  const deps = { inference, logger, codeVersion: 'test', now: Date.now, createFeatures: createVersionFeatures(project) }
  return loadVersion(deps, model, version)
}

async function predict(serving: ServingVersion, sent: readonly Row[]) {
  const common = { decisionId: 'd', tenant: 't', entities: {}, anchor: 'request', anchorTimeMs: 0, tags: [], row: undefined }
  const instances = sent.map((features, index) => ({ ...common, index, features }))
  const executions = await runInstances({ inference, now: Date.now, tick: () => performance.now() }, serving, instances)
  return executions.results
}

describe('what ONNX Runtime runs is served', () => {
  it.each(cases.filter(({ served }) => served !== undefined))('$name', async ({ name, served = [], rowByRow }) => {
    expect(refusals.get(name)).toBeUndefined()
    const serving = await open(name)
    if (rowByRow !== undefined) expect(serving.plan.rowByRow).toBe(rowByRow)
    const alone = []
    for (const [features] of served) alone.push(...(await predict(serving, [features])))
    const together = await predict(
      serving,
      [...served, ...served].map(([features]) => features),
    )
    expect(alone).toMatchObject(served.map(([, outputs]) => ({ outputs })))
    expect(together).toMatchObject([...served, ...served].map(([, outputs]) => ({ outputs })))
  })
})

describe('what it does not is refused with the reason, by check and by a gateway', () => {
  it.each(cases.filter(({ refused }) => refused !== undefined))('$name', async ({ name, refused }) => {
    expect(refusals.get(name)).toMatch(refused!)
    await expect(open(name)).rejects.toThrow()
  })
})
