/** ONNX files written field by field (onnx.proto3), for tests that need one of a certain shape. */

export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
} as const
export type ElementType = keyof typeof elementTypes

/** A dimension: a size as written, -1 included; a symbol; or null, which says nothing. */
export type Dimension = number | string | null

export type OnnxValue = {
  name: string
  type: ElementType
  /** The dimensions; left out where the file states none. */
  shape?: readonly Dimension[]
  /** What the tensor is wrapped in: a sequence of such tensors, or one that may be absent. */
  within?: 'sequence' | 'optional'
}

export type OnnxNode = {
  op: string
  inputs: readonly string[]
  outputs: readonly string[]
  attributes?: Readonly<Record<string, number | readonly number[]>>
  domain?: string
}

export type OnnxGraph = {
  nodes: readonly OnnxNode[]
  inputs: readonly OnnxValue[]
  outputs: readonly OnnxValue[]
  /** Constants by name: int64 where the numbers are bigints, else float32. */
  initializers?: Readonly<Record<string, { shape: readonly number[]; data: readonly number[] | readonly bigint[] }>>
  irVersion?: number
  opset?: number
}

export function buildOnnx({ nodes, inputs, outputs, initializers = {}, irVersion = 8, opset = 17 }: OnnxGraph): Uint8Array {
  const graph = [
    ...nodes.map((node) => message(1, toNode(node))),
    text(2, 'graph'),
    ...Object.entries(initializers).map(([name, tensor]) => message(5, toTensor(name, tensor))),
    ...inputs.map((value) => message(11, toValueInfo(value))),
    ...outputs.map((value) => message(12, toValueInfo(value))),
  ]
  return Buffer.concat([integer(1, irVersion), text(2, 'hindsight-tests'), message(7, graph), message(8, [integer(2, opset)])])
}

function toNode({ op, inputs, outputs, attributes = {}, domain }: OnnxNode): Buffer[] {
  return [
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => message(5, toAttribute(name, value))),
    ...(domain === undefined ? [] : [text(7, domain)]),
  ]
}

function toAttribute(name: string, value: number | readonly number[]): Buffer[] {
  if (typeof value === 'number') return [text(1, name), integer(3, value), integer(20, 2)]
  return [text(1, name), ...value.map((item) => integer(8, item)), integer(20, 7)]
}

function toTensor(name: string, { shape, data }: NonNullable<OnnxGraph['initializers']>[string]): Buffer[] {
  const isLong = typeof data[0] === 'bigint'
  const raw = isLong ? BigInt64Array.from(data as readonly bigint[]) : Float32Array.from(data as readonly number[])
  const type = elementTypes[isLong ? 'int64' : 'float32']
  return [...shape.map((size) => integer(1, size)), integer(2, type), text(8, name), bytes(9, Buffer.from(raw.buffer))]
}

function toValueInfo({ name, type, shape, within }: OnnxValue): Buffer[] {
  const dimensions = shape?.map((size) => message(1, size === null ? [] : [typeof size === 'string' ? text(2, size) : integer(1, size)]))
  const tensor = message(1, [integer(1, elementTypes[type]), ...(dimensions === undefined ? [] : [message(2, dimensions)])])
  const wrapped = within === undefined ? tensor : message(within === 'sequence' ? 4 : 9, [message(1, [tensor])])
  return [text(1, name), message(2, [wrapped])]
}

function integer(field: number, value: number): Buffer {
  return Buffer.concat([varint(BigInt(field * 8)), varint(BigInt.asUintN(64, BigInt(value)))])
}

function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value))
}

function message(field: number, parts: readonly Buffer[]): Buffer {
  return bytes(field, Buffer.concat(parts))
}

function bytes(field: number, content: Buffer): Buffer {
  return Buffer.concat([varint(BigInt(field * 8 + 2)), varint(BigInt(content.length)), content])
}

function varint(value: bigint): Buffer {
  const groups: number[] = []
  for (let rest = value; ; rest >>= 7n) {
    const more = rest > 127n
    groups.push(Number(rest & 127n) | (more ? 128 : 0))
    if (!more) return Buffer.from(groups)
  }
}
