import type { ModelDefinition, ModelFeature } from '../../contracts/model-definition.ts'
import { floatTypes, integerTypes, type VersionManifest } from '../../contracts/version-manifest.ts'
import { type Definitions, featureSetSha256 } from './definition-hashes.ts'
import { featureType, isOfType, type ValueType } from './feature-types.ts'
import type { OnnxFile, OnnxTensor } from './onnx-file.ts'
import { knownNames, type Report } from './problems.ts'
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
}

/** Cross-checks a manifest with model.yaml: names, inputs, outputs, feature definitions and golden requests. */
export function checkManifest(check: VersionCheck): void {
  const { manifest, model, version, report } = check
  if (manifest.model !== model.name) report(['model'], `is "${manifest.model}", but the model is "${model.name}"`)
  if (manifest.version !== version) report(['version'], `is "${manifest.version}", but the folder is "${version}"`)
  const known = checkInputs(check)
  checkOutputs(check)
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
    const width = input.shape.slice(1).reduce((product, dimension) => product * dimension, 1)
    if (width !== input.features.length)
      report(['inputs', index, 'shape'], `holds ${width} values a row for ${input.features.length} features`)
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

/** A version trained on other definitions than those that would feed it is skewed by construction. */
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
      'save the model with its weights inside',
    )
  if (manifest.onnx.ir_version !== onnx.irVersion) report(['onnx', 'ir_version'], `the file's is ${onnx.irVersion}`)
  for (const [domain, version] of Object.entries(onnx.opsets))
    if (ownEntry(manifest.onnx.opsets, domain) !== version) report(['onnx', 'opsets'], `the file uses version ${version} of ${domain}`)
  for (const [index, input] of manifest.inputs.entries())
    checkTensor(['inputs', index], { ...input, tensor: input.name }, onnx.inputs, report)
  for (const { name } of onnx.inputs)
    if (!manifest.inputs.some((input) => input.name === name)) report(['inputs'], `the file's input "${name}" is missing`)
  for (const [index, output] of manifest.outputs.entries()) checkTensor(['outputs', index], output, onnx.outputs, report)
}

type ManifestTensor = { tensor: string; type: string; shape?: readonly number[]; column?: number }

function checkTensor(path: (string | number)[], wanted: ManifestTensor, tensors: readonly OnnxTensor[], report: Report): void {
  const found = tensors.find(({ name }) => name === wanted.tensor)
  if (found === undefined) {
    const hint = knownNames(
      wanted.tensor,
      tensors.map(({ name }) => name),
    )
    report(path, `the file has no tensor "${wanted.tensor}" here`, hint)
    return
  }
  if (found.type !== wanted.type) report([...path, 'type'], `tensor "${found.name}" of the file is ${found.type}`)
  if (found.shape === undefined) return
  if (wanted.shape !== undefined && !sameShape(found.shape, wanted.shape))
    report([...path, 'shape'], `the file's is [${found.shape.join(', ')}]`)
  const columns = found.shape[1] ?? 1
  if (wanted.column !== undefined && columns >= 0 && wanted.column >= columns)
    report([...path, 'column'], `tensor "${found.name}" has ${columns} columns`)
}

/** Of the first dimension, the row, it only matters that both vary or both do not. */
function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, index) => dimension === b[index] || (dimension < 0 && b[index]! < 0))
}
