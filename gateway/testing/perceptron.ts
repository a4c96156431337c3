import { buildOnnx } from './build-onnx.ts'
import type { OnnxModel } from './write-onnx-model.ts'

const features = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
const widths = [features.length, 64, 64, 1]

/** Numbers between -0.5 and 0.5 without a pattern that a sum would cancel, in 32 bits each as a model file has them. */
function numbers(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, index) => Math.fround(Math.sin((index + 1) * 12.9898 + seed * 78.233) / 2))
}

const layers = widths.slice(1).map((width, index) => ({
  width,
  weights: numbers(widths[index]! * width, 2 * index + 1),
  biases: numbers(width, 2 * index + 2),
}))

/** What the network computes, in 64 bits. */
function compute(inputs: readonly number[]): number {
  let values = inputs
  for (const [index, { width, weights, biases }] of layers.entries()) {
    const before = values
    const sums = biases.map((bias, column) => before.reduce((sum, value, row) => sum + value * weights[row * width + column]!, bias))
    values = index === layers.length - 1 ? sums.map((sum) => 1 / (1 + Math.exp(-sum))) : sums.map((sum) => Math.max(0, sum))
  }
  return values[0]!
}

/** The features of a row by its number: each row is another. */
export function perceptronFeatures(row: number): Record<string, number> {
  const values = numbers(features.length, row + 7)
  return Object.fromEntries(features.map((feature, index) => [feature, 4 * values[index]!]))
}

/** A network of two hidden layers, whose every operator has a kernel on GPUs. */
export const perceptron: OnnxModel = {
  name: 'perceptron',
  file: buildOnnx({
    nodes: layers.flatMap((_, index) => [
      { op: 'Gemm', inputs: [`x${index}`, `weights${index}`, `biases${index}`], outputs: [`sums${index}`] },
      { op: index === layers.length - 1 ? 'Sigmoid' : 'Relu', inputs: [`sums${index}`], outputs: [`x${index + 1}`] },
    ]),
    inputs: [{ name: 'x0', type: 'float32', shape: ['rows', features.length] }],
    outputs: [{ name: `x${layers.length}`, type: 'float32', shape: ['rows', 1] }],
    initializers: Object.fromEntries(
      layers.flatMap(({ width, weights, biases }, index) => [
        [`weights${index}`, { shape: [weights.length / width, width], data: weights }],
        [`biases${index}`, { shape: [width], data: biases }],
      ]),
    ),
  }),
  inputs: [{ name: 'x0', type: 'float32', shape: [-1, features.length], features }],
  outputs: [{ name: 'score', tensor: `x${layers.length}`, type: 'float32', column: 0 }],
  golden: [0, 1, 2].map((row) => ({
    features: perceptronFeatures(row),
    outputs: { score: compute(Object.values(perceptronFeatures(row))) },
  })),
}
