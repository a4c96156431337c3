import { limits } from '../../contracts/http.ts'
import type { ModelDefinition, ModelFeature } from '../../contracts/model-definition.ts'
import type { ValueType } from '../../contracts/primitives.ts'
import { floatTypes, integerTypes, tensorType, type VersionManifest } from '../../contracts/version-manifest.ts'
import { type Definitions, featureSetSha256 } from './definition-hashes.ts'
import { featureType, isOfType } from './feature-types.ts'
import type { OnnxFile, OnnxOutput, OnnxTensor } from './onnx-file.ts'
import { inputLayout, runsRowByRow } from './input-layout.ts'
import type { Report } from './problems.ts'
import { knownNames } from '../text/known-names.ts'
import { ownEntry } from './own-entry.ts'

export type VersionCheck = {
  manifest: VersionManifest
  /** The folder's name. */
  version: string
  model: ModelDefinition
  features: ReadonlyMap<string, ModelFeature>
  featureHashes: ReadonlyMap<string, string>
  definitions: Definitions
  report: Report
  warn: Report
}

/** Cross-checks a manifest with model.yaml: names, inputs, outputs, feature definitions and golden requests. */
export function checkManifest(check: VersionCheck): void {
  const { manifest, model, version, report } = check
  if (manifest.model !== model.name) report(['model'], `is "${manifest.model}", but the model is "${model.name}"`)
  if (manifest.version !== version) report(['version'], `is "${manifest.version}", but the folder is "${version}"`)
  const known = checkInputs(check)
  checkOutputs(check)
  checkEventSize(check)
  checkGolden(check)
  if (known) checkFeatureSet(check)
}

const tensorTypesOf: Record<ValueType, readonly string[]> = {
  number: [...floatTypes, ...integerTypes],
  boolean: ['bool', ...floatTypes, ...integerTypes],
  text: ['string'],
}

function checkInputs({ manifest, features, definitions, report }: VersionCheck): boolean {
  let known = true
  for (const [index, input] of manifest.inputs.entries()) {
    if (inputLayout(input.shape, input.features.length) === undefined)
      report(
        ['inputs', index, 'shape'],
        `[${input.shape.join(', ')}] has no place for ${counted(input.features.length)}`,
        shapeHint(input.shape),
      )
    for (const [column, name] of input.features.entries()) {
      const path = ['inputs', index, 'features', column]
      const feature = features.get(name)
      if (feature === undefined) {
        known = false
        report(path, `the model has no feature "${name}"`, knownNames(name, features.keys()))
        continue
      }
      const type = featureType(feature, definitions)
      if (!tensorTypesOf[type].includes(input.type)) report(path, `"${name}" is ${type}, and the tensor is ${input.type}`)
    }
  }
  return known
}

function shapeHint([first = -1, ...rest]: readonly number[]): string {
  if (first > 1) return `the file takes ${first} rows at a time: export it with a first dimension that is free, or 1`
  if (rest.filter((size) => size === -1).length > 1) return 'state all dimensions behind the first but one'
  return 'the first dimension counts rows; the others, multiplied, are the features of one'
}

function counted(features: number): string {
  return `the ${features} feature${features === 1 ? '' : 's'} of a row`
}

/** The bytes that bound the parts of an event which are not its features. */
const otherEventBytes = 8 * 1024

/** The most bytes of a number in an event with its times, and those that the longest text takes besides. */
const largestNumberBytes = 256
const longestTextBytes = 1024

/** Refuses a version whose events would all be too large; warns where some might be, for such predictions are refused. */
function checkEventSize({ manifest, features, definitions, report, warn }: VersionCheck): void {
  const names = new Set(manifest.inputs.flatMap((input) => input.features))
  const fixed = { definition: '0'.repeat(64), source: 'request', status: 'ok', value: 0 }
  let [least, most] = [otherEventBytes, otherEventBytes]
  for (const name of names) {
    const feature = features.get(name)
    const bytes = JSON.stringify({ ...fixed, name, source: feature?.source }).length + 1
    const isText = feature !== undefined && featureType(feature, definitions) === 'text'
    least += bytes
    most += Math.max(bytes, largestNumberBytes) + (isText ? longestTextBytes : 0)
  }
  const bound = `and none may have over ${limits.eventBytes}`
  if (least > limits.eventBytes) report(['inputs'], `an event of ${names.size} features takes ${least} bytes or more, ${bound}`)
  else if (most > limits.eventBytes)
    warn(
      ['inputs'],
      `an event of ${names.size} features takes ${least} bytes, and up to ${most} with long values, ${bound}`,
      'a request whose event would be larger is refused with event_too_large; send shorter texts, or take fewer features',
    )
}

function checkOutputs({ manifest, model, report }: VersionCheck): void {
  const given = manifest.outputs.map(({ name }) => name)
  for (const [index, output] of manifest.outputs.entries()) {
    const declared = ownEntry(model.outputs, output.name)
    const path = ['outputs', index, 'name']
    if (declared === undefined)
      report(path, `the model has no output "${output.name}"`, knownNames(output.name, Object.keys(model.outputs)))
    else if ((declared.type === 'text') !== (output.type === 'string'))
      report(path, `"${output.name}" is ${declared.type}, and the tensor is ${output.type}`)
    if (given.indexOf(output.name) !== index) report(path, `"${output.name}" is given twice`)
  }
  for (const name of Object.keys(model.outputs)) if (!given.includes(name)) report(['outputs'], `the model's output "${name}" is missing`)
}

function checkGolden({ manifest, model, features, definitions, report }: VersionCheck): void {
  const inputs = new Set(manifest.inputs.flatMap(({ features: names }) => names))
  for (const [index, golden] of manifest.golden.entries()) {
    for (const [name, value] of Object.entries(golden.features)) {
      const feature = features.get(name)
      if (!inputs.has(name)) report(['golden', index, 'features', name], 'is no feature of the inputs')
      else if (feature !== undefined && !isOfType(value, featureType(feature, definitions)))
        report(['golden', index, 'features', name], 'is of the wrong type')
    }
    for (const name of Object.keys(golden.outputs))
      if (!Object.hasOwn(model.outputs, name)) report(['golden', index, 'outputs', name], `the model has no output "${name}"`)
  }
}

/** Checks that a version was trained on the definitions that would feed it: else it is skewed by construction. */
function checkFeatureSet({ manifest, featureHashes, report }: VersionCheck): void {
  const names = manifest.inputs.flatMap(({ features }) => features)
  const expected = featureSetSha256(featureHashes, names)
  if (manifest.feature_set_sha256 !== expected)
    report(
      ['feature_set_sha256'],
      'the definitions of its features have changed since it was made',
      `restore them, or train the version again; their hash is now ${expected}`,
    )
}

/** Cross-checks a manifest with what its ONNX file says of itself. */
export function checkOnnxFile(manifest: VersionManifest, onnx: OnnxFile, report: Report): void {
  if (onnx.externalTensors.length > 0)
    report(
      ['model_file'],
      `keeps its tensor "${onnx.externalTensors[0]}" in another file (external_data)`,
      'save it with its weights inside: torch.onnx.export(..., external_data=False), or onnx.save(onnx.load(file), file)',
    )
  if (manifest.onnx.ir_version !== onnx.irVersion) report(['onnx', 'ir_version'], `the file's is ${onnx.irVersion}`)
  for (const [domain, version] of Object.entries(onnx.opsets))
    if (ownEntry(manifest.onnx.opsets, domain) !== version) report(['onnx', 'opsets'], `the file uses version ${version} of ${domain}`)
  for (const [index, input] of manifest.inputs.entries()) checkInputTensor(['inputs', index], input, onnx, report)
  for (const { name } of onnx.inputs)
    if (!manifest.inputs.some((input) => input.name === name)) report(['inputs'], `the file's input "${name}" is missing`)
  const rowByRow = runsRowByRow(manifest.inputs)
  for (const [index, output] of manifest.outputs.entries())
    checkOutputTensor(['outputs', index], output, { tensors: onnx.outputs, rowByRow, report })
}

function checkInputTensor(path: (string | number)[], input: VersionManifest['inputs'][number], onnx: OnnxFile, report: Report): void {
  if (onnx.defaultedInputs.includes(input.name))
    return void report(path, `"${input.name}" has a value in the file, and is none that a run is given`, 'leave it out')
  const found = findTensor({ path, name: input.name, type: input.type, tensors: onnx.inputs, report })
  if (found?.shape !== undefined && !fitsShape(found.shape, input.shape))
    report([...path, 'shape'], `the file's is [${found.shape.join(', ')}]`)
}

type OutputCheck = { tensors: readonly OnnxOutput[]; rowByRow: boolean; report: Report }

function checkOutputTensor(
  path: (string | number)[],
  output: VersionManifest['outputs'][number],
  { tensors, rowByRow, report }: OutputCheck,
): void {
  const found = findTensor({ path, name: output.tensor, type: output.type, tensors, report })
  const columns = found?.shape && columnsOf(found.shape, rowByRow)
  if (columns !== undefined && output.column >= columns)
    report([...path, 'column'], `tensor "${output.tensor}" has ${columns} column${columns === 1 ? '' : 's'}`)
}

type RequiredTensor = { path: (string | number)[]; name: string; type: string; tensors: readonly OnnxOutput[]; report: Report }

/** The file's tensor of that name, if it is of that type. */
function findTensor({ path, name, type, tensors, report }: RequiredTensor): OnnxTensor | undefined {
  const found = tensors.find((tensor) => tensor.name === name)
  if (found === undefined) {
    const names = tensors.map((tensor) => tensor.name)
    report(path, `the file has no tensor "${name}" here`, knownNames(name, names))
  } else if (found.kind !== 'tensor')
    report(path, `"${name}" of the file is no tensor but of kind ${found.kind}, which cannot be read`, tensorInstead(found))
  else if (found.type !== type)
    report(
      [...path, 'type'],
      `tensor "${name}" of the file is ${found.type}`,
      isServed(found.type) ? undefined : 'which is not served: export the model with float32 or float16 there',
    )
  else return found
  return undefined
}

/** The hint on how to have a tensor in the place of a map or a sequence. */
function tensorInstead({ madeBy }: OnnxOutput): string {
  if (madeBy === undefined) return 'have the model give a tensor'
  const { operator, inputs } = madeBy
  const names = inputs.map((name) => `"${name}"`).join(', ')
  if (operator !== 'ZipMap') return `its node ${operator} makes it of ${names}: have the file give what is a tensor of these instead`
  return (
    "export the model without its ZipMap node: options={id(model): {'zipmap': False}} for skl2onnx, zipmap=False for onnxmltools; or take " +
    `the node off, as of CatBoost's files, and name its input ${names}: docs/models.md shows how`
  )
}

function isServed(type: string): boolean {
  return tensorType.options.some((served) => served === type)
}

/** Whether the file's shape fits the manifest's; a dimension that the file leaves open fits any. */
function fitsShape(file: readonly number[], manifest: readonly number[]): boolean {
  return file.length === manifest.length && file.every((size, index) => size === -1 || size === manifest[index])
}

/** The number of values of one row, as far as the shape says; undefined where it does not. */
function columnsOf(shape: readonly number[], rowByRow: boolean): number | undefined {
  const [first, ...rest] = shape
  const own = first === 1 || (first === -1 && !rowByRow) ? rest : shape
  return own.includes(-1) ? undefined : own.reduce((product, size) => product * size, 1)
}
