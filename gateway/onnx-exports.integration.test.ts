import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadProject } from '../platform/project/load-project.ts'
import { type OnnxTensor, readOnnxFile } from '../platform/project/onnx-file.ts'
import { checkVersions } from './check-versions.ts'
import type { TensorType } from './tensors/tensor.ts'
import { type OnnxModel, writeOnnxProject } from './testing/write-onnx-model.ts'

/** Files of scikit-learn 1.9.1, LightGBM 4.7.0, XGBoost 3.2.0, CatBoost 1.2.10 and PyTorch 2.9.1, and what those predict: `fixtures/exports/make_*.py`. */
const folder = fileURLToPath(new URL('testing/fixtures/exports/', import.meta.url))

type Value = string | number | boolean
type Expected = Record<string, { rows: Value[][]; outputs: Record<string, Value[] | Value[][]> }>
const files = ['expected.json', 'expected-catboost.json', 'expected-torch.json']
const expectations = files.map(async (file) => JSON.parse(await readFile(join(folder, file), 'utf8')) as Expected)
const exported: Expected = Object.assign({}, ...(await Promise.all(expectations)))

let dir: string
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'onnx-exports-'))))
afterEach(() => rm(dir, { recursive: true, force: true }))

async function modelOf(name: string, { rows, outputs }: Expected[string]): Promise<OnnxModel> {
  const file = await readFile(join(folder, `${name}.onnx`))
  const onnx = readOnnxFile(file)
  const ofFile = (tensor: string): OnnxTensor => onnx.outputs.find((output) => output.name === tensor)!
  const columns = Object.entries(outputs).flatMap(([tensor, values]) =>
    [values[0]!].flat().map((_, column) => ({ name: `${tensor}_${column}`, tensor, type: ofFile(tensor).type as TensorType, column })),
  )
  const names = onnx.inputs.length === 1 ? ['a', 'b', 'c'] : onnx.inputs.map((input) => input.name)
  return {
    name,
    file,
    outputs: columns,
    inputs: onnx.inputs.map((input, index) => ({
      name: input.name,
      type: input.type as TensorType,
      shape: input.shape!,
      features: onnx.inputs.length === 1 ? names : [names[index]!],
    })),
    golden: rows.map((row, at) => ({
      features: Object.fromEntries(row.map((value, index) => [names[index]!, value])),
      outputs: Object.fromEntries(columns.map(({ name: output, tensor, column }) => [output, [outputs[tensor]![at]!].flat()[column]!])),
    })),
  }
}

async function problemsOf(model: OnnxModel): Promise<string[]> {
  await writeOnnxProject(dir, [model])
  const project = await loadProject(dir)
  const { problems } = await checkVersions(project, pino({ level: 'silent' }))
  return [...project.problems, ...problems].map(({ path, message, hint }) => `${path}: ${message} (${hint})`)
}

it.each(Object.entries(exported))('%s gives what its library predicts', async (name, expected) => {
  expect(await problemsOf(await modelOf(name, expected))).toEqual([])
})

it('another figure than the library predicts is refused', async () => {
  const model = await modelOf('sklearn-logistic', exported['sklearn-logistic']!)
  const golden = model.golden.map((one) => ({ ...one, outputs: { ...one.outputs, probabilities_1: 0.123 } }))
  expect(await problemsOf({ ...model, golden })).toEqual([expect.stringMatching(/^golden\[0\]: probabilities_1 is .*recorded is 0\.123/)])
})

it('the map of a classifier that was exported with ZipMap is refused, with how to export it without', async () => {
  const model = await modelOf('sklearn-zipmap', exported['sklearn-zipmap']!)
  const outputs = [...model.outputs, { name: 'p', tensor: 'output_probability', type: 'float32' as const, column: 1 }]
  const [problem, ...others] = await problemsOf({ ...model, outputs })
  expect(problem).toMatch(
    /^outputs\[1\]: "output_probability" of the file is no tensor but of kind sequence.*'zipmap': False.*name its input "probabilities"/,
  )
  expect(others).toEqual([])
})

it("CatBoost's map is refused, with which tensor to give instead", async () => {
  const model = await modelOf('catboost-zipmap', exported['catboost-zipmap']!)
  const outputs = [...model.outputs, { name: 'p', tensor: 'probabilities', type: 'float32' as const, column: 1 }]
  expect(await problemsOf({ ...model, outputs })).toEqual([
    expect.stringMatching(/^outputs\[1\]: "probabilities" of the file is no tensor.*CatBoost.*"probability_tensor".*docs\/models\.md/),
  ])
})

it('weights that PyTorch left in another file are refused, with how to have them inside', async () => {
  const model = await modelOf('torch-external', { rows: [[1, 2, 3]], outputs: { score: [[0]] } })
  expect(await problemsOf(model)).toEqual([
    expect.stringMatching(/^model_file: keeps its tensor "weight" in another file.*external_data=False.*onnx\.save/),
  ])
})

it('a file that was exported for two rows at a time is refused', async () => {
  const model = await modelOf('torch-old-two-rows', exported['torch-old']!)
  expect(await problemsOf(model)).toEqual([expect.stringMatching(/^inputs\[0\]\.shape: \[2, 3\].*takes 2 rows at a time.*free, or 1/)])
})
