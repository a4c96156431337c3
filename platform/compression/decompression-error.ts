/** Bytes that do not decompress: they are not what they are said to be, or would be more than was allowed. */
export class DecompressionError extends Error {
  readonly reason: 'corrupt' | 'too_large'

  constructor(reason: DecompressionError['reason'], cause?: unknown) {
    super(reason === 'corrupt' ? 'the bytes are corrupt or cut short' : 'the bytes decompress to more than is allowed', { cause })
    this.name = 'DecompressionError'
    this.reason = reason
  }
}
