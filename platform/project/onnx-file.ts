import { ProtobufError, type ProtobufField, protobufFields } from './protobuf-fields.ts'

/** A graph input or output. A dimension is -1 where it varies; `shape` is undefined where the file states none. */
export type OnnxTensor = { name: string; kind: OnnxKind; type: string; shape: number[] | undefined }
/** An output of a graph; `madeBy` is the node that makes an output which is no tensor, and what it makes it of. */
export type OnnxOutput = OnnxTensor & { madeBy?: { operator: string; inputs: string[] } }
export type OnnxKind = 'tensor' | 'sequence' | 'map' | 'sparse tensor' | 'optional' | 'unknown'

/** What an ONNX file says of itself, without loading its graph. */
export type OnnxFile = {
  irVersion: number
  opsets: Record<string, number>
  producer: string
  /** The inputs that a run needs: not those that have an initializer, which is their default. */
  inputs: OnnxTensor[]
  /** The names of the inputs that have an initializer. */
  defaultedInputs: string[]
  outputs: OnnxOutput[]
  /** Names of tensors whose data lies in another file: paths that a runtime would open. */
  externalTensors: string[]
}

// Field numbers of onnx.proto3, by message.
const modelProto = { irVersion: 1, producerName: 2, producerVersion: 3, graph: 7, opsetImport: 8, trainingInfo: 20, functions: 25 }
const graphProto = { node: 1, initializer: 5, input: 11, output: 12, sparseInitializer: 15 }
const functionProto = { node: 7, attribute: 11 }
const nodeProto = { input: 1, output: 2, opType: 4, attribute: 5 }
const attributeProto = { tensor: 5, graph: 6, tensors: 10, graphs: 11, sparseTensor: 22, sparseTensors: 23 }
const tensorProto = { name: 8, externalData: 13, dataLocation: 14 }

const elementTypes: Record<number, string> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
  14: 'complex64',
  15: 'complex128',
  16: 'bfloat16',
}

const maxDepth = 64

/** Reads an ONNX file's head and looks through all its tensors. Throws `ProtobufError` on bytes that are no model. */
export function readOnnxFile(bytes: Uint8Array): OnnxFile {
  const model = [...protobufFields(bytes)]
  const graph = model.find(({ field }) => field === modelProto.graph)
  if (graph === undefined) throw new ProtobufError('has no graph')
  const initializers = new Set(children(graph, graphProto.initializer).map((tensor) => text(tensor.bytes, tensorProto.name)))
  const inputs = children(graph, graphProto.input).map(toTensor)
  return {
    irVersion: model.find(({ field }) => field === modelProto.irVersion)?.number ?? 0,
    opsets: Object.fromEntries(model.filter(({ field }) => field === modelProto.opsetImport).map(({ bytes: opset }) => toOpset(opset))),
    producer: `${text(bytes, modelProto.producerName)} ${text(bytes, modelProto.producerVersion)}`.trim(),
    // Before IR version 4 initializers are listed among the inputs.
    inputs: inputs.filter(({ name }) => !initializers.has(name)),
    defaultedInputs: inputs.map(({ name }) => name).filter((name) => initializers.has(name)),
    outputs: children(graph, graphProto.output).map((output) => toOutput(output, graph)),
    externalTensors: [...externalTensors(bytes, 'model', 0)],
  }
}

/** The bytes of a node's operator field for each looping operator: the field's number and wire type, its length, its text. */
const loopingNodes = ['Loop', 'Scan'].map((name) => Buffer.from([(nodeProto.opType << 3) | 2, name.length, ...Buffer.from(name)]))

/** Whether a graph of the file has a node that repeats another graph. Looks for its bytes: true at worst where none has. */
export function hasLoop(bytes: Buffer): boolean {
  return loopingNodes.some((node) => bytes.includes(node))
}

type Message = 'model' | 'training' | 'function' | 'graph' | 'node' | 'attribute' | 'sparse' | 'tensor'

/** The messages that may hold tensors within each message, by field number. */
const nested: Record<Exclude<Message, 'tensor'>, Record<number, Message>> = {
  model: { [modelProto.graph]: 'graph', [modelProto.trainingInfo]: 'training', [modelProto.functions]: 'function' },
  training: { 1: 'graph', 2: 'graph' },
  function: { [functionProto.node]: 'node', [functionProto.attribute]: 'attribute' },
  graph: { [graphProto.node]: 'node', [graphProto.initializer]: 'tensor', [graphProto.sparseInitializer]: 'sparse' },
  node: { [nodeProto.attribute]: 'attribute' },
  attribute: {
    [attributeProto.tensor]: 'tensor',
    [attributeProto.tensors]: 'tensor',
    [attributeProto.graph]: 'graph',
    [attributeProto.graphs]: 'graph',
    [attributeProto.sparseTensor]: 'sparse',
    [attributeProto.sparseTensors]: 'sparse',
  },
  sparse: { 1: 'tensor', 2: 'tensor' },
}

function* externalTensors(bytes: Uint8Array, message: Message, depth: number): Generator<string> {
  if (depth > maxDepth) throw new ProtobufError(`nests deeper than ${maxDepth} levels`)
  if (message === 'tensor') {
    if (isExternal(bytes)) yield text(bytes, tensorProto.name)
    return
  }
  for (const { field, bytes: part } of protobufFields(bytes)) {
    const inner = nested[message][field]
    if (inner !== undefined) yield* externalTensors(part, inner, depth + 1)
  }
}

function isExternal(tensor: Uint8Array): boolean {
  for (const { field, number } of protobufFields(tensor)) {
    if (field === tensorProto.externalData || (field === tensorProto.dataLocation && number !== 0)) return true
  }
  return false
}

function toOpset(opset: Uint8Array): [domain: string, version: number] {
  const version = [...protobufFields(opset)].find(({ field }) => field === 2)?.number ?? 0
  return [text(opset, 1) || 'ai.onnx', version]
}

function toTensor(valueInfo: ProtobufField): OnnxTensor {
  const tensorType = children(valueInfo, 2).flatMap((type) => children(type, 1))[0]
  const name = text(valueInfo.bytes, 1)
  if (tensorType === undefined) return { name, kind: kindOf(valueInfo), type: 'none', shape: undefined }
  const element = children(tensorType, 1)[0]?.number ?? 0
  const shape = children(tensorType, 2)[0]
  return {
    name,
    kind: 'tensor',
    type: elementTypes[element] ?? `element type ${element}`,
    shape: shape && children(shape, 1).map(toDimension),
  }
}

function toOutput(valueInfo: ProtobufField, graph: ProtobufField): OnnxOutput {
  const tensor = toTensor(valueInfo)
  if (tensor.kind === 'tensor') return tensor
  const node = children(graph, graphProto.node).find((one) => texts(one, nodeProto.output).includes(tensor.name))
  if (node === undefined) return tensor
  return { ...tensor, madeBy: { operator: text(node.bytes, nodeProto.opType), inputs: texts(node, nodeProto.input) } }
}

/** The kinds of values that are no tensors, by their fields in TypeProto. */
const kinds: Record<number, OnnxKind> = { 4: 'sequence', 5: 'map', 8: 'sparse tensor', 9: 'optional' }

function kindOf(valueInfo: ProtobufField): OnnxKind {
  const found = children(valueInfo, 2).flatMap((type) => [...protobufFields(type.bytes)].map(({ field }) => kinds[field]))
  return found.find((kind) => kind !== undefined) ?? 'unknown'
}

/** A dimension's size; -1, which exporters write too, comes as an int64 in a varint of ten bytes. */
function toDimension(dimension: ProtobufField): number {
  const size = children(dimension, 1)[0]?.number ?? -1
  return size >= 2 ** 63 ? -1 : size
}

function children(message: ProtobufField, field: number): ProtobufField[] {
  return [...protobufFields(message.bytes)].filter((candidate) => candidate.field === field)
}

function texts(message: ProtobufField, field: number): string[] {
  return children(message, field).map(({ bytes }) => Buffer.from(bytes).toString('utf8'))
}

function text(message: Uint8Array, field: number): string {
  for (const candidate of protobufFields(message)) if (candidate.field === field) return Buffer.from(candidate.bytes).toString('utf8')
  return ''
}
