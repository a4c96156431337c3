/** One field of a protobuf message: a varint (`number`), or bytes: a nested message, a string, or packed numbers. */
export type ProtobufField = { field: number; number: number; bytes: Uint8Array }

export class ProtobufError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ProtobufError'
  }
}

const empty = new Uint8Array(0)

/** The fields of one message in file order, nested messages unread. Throws `ProtobufError` where the bytes are none. */
export function* protobufFields(message: Uint8Array): Generator<ProtobufField> {
  let at = 0
  const readVarint = (): number => {
    let value = 0
    for (let scale = 1, length = 0; length < 10; length++, scale *= 128) {
      const byte = message[at++]
      if (byte === undefined) throw new ProtobufError('ends within a number')
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    throw new ProtobufError('a number has more than ten bytes')
  }
  const take = (length: number): Uint8Array => {
    if (at + length > message.length) throw new ProtobufError('ends within a field')
    return message.subarray(at, (at += length))
  }
  while (at < message.length) {
    const tag = readVarint()
    const field = Math.floor(tag / 8)
    if (field === 0) throw new ProtobufError('has a field numbered 0')
    switch (tag % 8) {
      case 0:
        yield { field, number: readVarint(), bytes: empty }
        break
      case 1:
        yield { field, number: 0, bytes: take(8) }
        break
      case 2:
        yield { field, number: 0, bytes: take(readVarint()) }
        break
      case 5:
        yield { field, number: 0, bytes: take(4) }
        break
      default:
        throw new ProtobufError('has a field of an unknown kind')
    }
  }
}
