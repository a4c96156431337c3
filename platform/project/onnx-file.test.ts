import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { readOnnxFile } from './onnx-file.ts'
import { ProtobufError } from './protobuf-fields.ts'

const bytes = readFileSync(fileURLToPath(new URL('../../models/flight-delay/2/model.onnx', import.meta.url)))

/** A length-delimited field, below number 16 and 128 bytes or with both in two bytes. */
function message(field: number, ...parts: (Uint8Array | readonly number[])[]): Uint8Array {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)))
  return Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(body.length)]), body])
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]
}

const external = [...message(8, Buffer.from('w')), 14 * 8, 1]
const [graph, node, attribute] = [7, 1, 5]

describe('readOnnxFile', () => {
  test('reads what the file says of itself', () => {
    expect(readOnnxFile(bytes)).toMatchObject({
      irVersion: 4,
      opsets: { 'ai.onnx': 9, 'ai.onnx.ml': 1 },
      producer: 'OnnxMLTools 1.16.0',
      inputs: [{ name: 'features', type: 'float32', shape: [-1, 9] }],
      externalTensors: [],
    })
    expect(readOnnxFile(bytes).outputs.map(({ name, type }) => [name, type])).toContainEqual(['probabilities', 'float32'])
  })

  test.each([
    ['an initializer', message(graph, message(5, external))],
    ['an entry of external_data alone', message(graph, message(5, message(8, Buffer.from('w')), message(13, [])))],
    ['a sparse initializer', message(graph, message(15, message(1, external)))],
    ['an attribute', message(graph, message(node, message(attribute, message(5, external))))],
    ['a list of tensors', message(graph, message(node, message(attribute, message(10, external))))],
    ['a graph within a graph', message(graph, message(node, message(attribute, message(6, message(5, external)))))],
    ['a function', Buffer.concat([message(graph), message(25, message(7, message(attribute, message(5, external))))])],
    ['a training graph', Buffer.concat([message(graph), message(20, message(1, message(5, external)))])],
  ])('finds external data in %s', (_, model) => {
    expect(readOnnxFile(model).externalTensors).toEqual(['w'])
  })

  test('refuses every truncation with an error of its own', () => {
    for (let length = 0; length < bytes.length; length += 997) {
      expect(() => readOnnxFile(bytes.subarray(0, length)), `${length} bytes`).toThrow(ProtobufError)
    }
  })

  test('refuses endless nesting', () => {
    let nested = message(5, external)
    for (let depth = 0; depth < 100; depth++) nested = message(node, message(attribute, message(6, nested)))
    expect(() => readOnnxFile(message(graph, nested))).toThrow('nests deeper than')
  })
})
