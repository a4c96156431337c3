/** A refusal in ClickHouse's own terms, by the engine or by the front itself. */
export class EngineError extends Error {
  /** ClickHouse's number and name of the error, as 60 and UNKNOWN_TABLE. */
  readonly code: number
  readonly type: string

  constructor(code: number, type: string, message: string, options: { cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'EngineError'
    this.code = code
    this.type = type
  }
}

const badRequest = [6, 26, 27, 36, 38, 41, 43, 53, 62, 69, 70, 72, 117, 131, 166, 167, 168, 190, 321, 427, 456, 468]
const notFound = [34, 35, 45, 46, 47, 50, 56, 60, 63, 73, 78, 81, 83, 115]
const statusOfCode: ReadonlyMap<number, number> = new Map([
  ...badRequest.map((code) => [code, 400] as const),
  ...notFound.map((code) => [code, 404] as const),
  [48, 501],
  [75, 503],
  [159, 408],
  [160, 408],
  [164, 403],
  [194, 401],
  [202, 503],
  [241, 500],
  [243, 503],
  [497, 403],
  [516, 403],
  [209, 503],
  [667, 503],
  [223, 413],
])

/** The HTTP status that goes with an error code of ClickHouse. */
export function httpStatusOf(code: number): number {
  return statusOfCode.get(code) ?? 500
}

const retryAfterSeconds: ReadonlyMap<number, number> = new Map([
  [75, 2],
  [202, 2],
  [243, 5],
  [667, 5],
])

/** Seconds after which the same request may well be answered; undefined where waiting does not help. */
export function retryAfterOf(code: number): number | undefined {
  return retryAfterSeconds.get(code)
}

/** ClickHouse's text form, which its clients take apart again. */
export function toErrorText(error: EngineError, version: string): string {
  const message = error.message.replace(/(?<![.\s])[.\s]+$/, '')
  return `Code: ${error.code}. DB::Exception: ${message}. (${error.type}) (version ${version})\n`
}

/** Reads ClickHouse's text form: `Code: 60. DB::Exception: message. (UNKNOWN_TABLE) (version 26.7)`. */
export function parseErrorText(text: string): EngineError {
  // Messages have text of whoever asked, of any size: no pattern may start over at each of its places.
  const head = /^(?:Code: \d+\. DB::Exception: )*Code: (\d+)\. DB::Exception: /.exec(text)
  const rest = text.slice(head?.[0].length)
  const type = /\(([A-Z][A-Z0-9_]{2,})\)(?=\s*(?:\(version|$))/.exec(rest)
  if (head === null || type === null) return new EngineError(1002, 'UNKNOWN_EXCEPTION', text)
  return new EngineError(Number(head[1]), type[1] as string, rest.slice(0, type.index).trimEnd())
}
