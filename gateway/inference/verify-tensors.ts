import type { VersionManifest } from '../../contracts/version-manifest.ts'
import type { SessionInfo, TensorInfo } from './inference.ts'

/** Where a manifest and its ONNX file disagree, one sentence each; empty when they agree. */
export function findTensorMismatches(
  manifest: Pick<VersionManifest, 'inputs' | 'outputs'>,
  session: Pick<SessionInfo, 'inputs' | 'outputs'>,
): string[] {
  const declared = new Set(manifest.inputs.map(({ name }) => name))
  return [
    ...manifest.inputs.flatMap((input) => checkInput(input, find(session.inputs, input.name))),
    ...session.inputs
      .filter(({ name }) => !declared.has(name))
      .map(({ name }) => `the ONNX file needs input ${name}, which the manifest lacks`),
    ...manifest.outputs.flatMap((output) => checkOutput(output, find(session.outputs, output.tensor))),
  ]
}

function find(tensors: readonly TensorInfo[], name: string): TensorInfo | undefined {
  return tensors.find((tensor) => tensor.name === name)
}

function checkInput(input: VersionManifest['inputs'][number], actual: TensorInfo | undefined): string[] {
  if (actual === undefined) return [`the ONNX file has no input ${input.name}`]
  const problems: string[] = []
  if (actual.type !== input.type) problems.push(`input ${input.name} is ${actual.type} in the ONNX file, ${input.type} in the manifest`)
  const shape = input.shape.join('x')
  if (!sameShape(actual.shape, input.shape))
    problems.push(`input ${input.name} is ${actual.shape.join('x')} in the ONNX file, ${shape} in the manifest`)
  if (input.shape.length > 2 || input.shape[0] !== -1) problems.push(`input ${input.name} must be -1 rows by one width, not ${shape}`)
  const width = input.shape[1] ?? 1
  if (width !== -1 && width !== input.features.length)
    problems.push(`input ${input.name} is ${width} wide but lists ${input.features.length} features`)
  return problems
}

function sameShape(actual: readonly number[], declared: readonly number[]): boolean {
  return actual.length === declared.length && actual.every((size, index) => size === declared[index] || (size === -1 && index > 0))
}

function checkOutput(output: VersionManifest['outputs'][number], actual: TensorInfo | undefined): string[] {
  if (actual === undefined) return [`the ONNX file has no output ${output.tensor}`]
  if (actual.type !== output.type) return [`output ${output.tensor} is ${actual.type} in the ONNX file, ${output.type} in the manifest`]
  const width = actual.shape[1] ?? 1
  return width !== -1 && output.column >= width ? [`output ${output.tensor} has ${width} columns, so none at ${output.column}`] : []
}
