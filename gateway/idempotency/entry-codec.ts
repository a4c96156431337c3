import type { Claim, KeptPredictions, StoredAnswer } from './idempotency-store.ts'

/** A key as a file keeps it. Times are Unix milliseconds. */
export type Entry = Claim & {
  state: 'claimed' | 'prepared' | 'answered'
  heldUntilMs: number
  expiresAtMs: number
  predictionId?: string
  predictions?: KeptPredictions
  delivered?: boolean
  answer?: StoredAnswer
}

const newline = 0x0a

/** Encodes an entry as one line of JSON, then the body's bytes as they are. */
export function encodeEntry({ answer, ...head }: Entry): Uint8Array {
  const line = `${JSON.stringify({ ...head, ...(answer !== undefined && { headers: answer.headers }) })}\n`
  return Buffer.concat([Buffer.from(line), answer?.body ?? new Uint8Array()])
}

export function decodeEntry(bytes: Uint8Array): Entry {
  const end = bytes.indexOf(newline)
  const { headers, ...head } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))) as Entry & { headers?: Record<string, string> }
  return headers === undefined ? head : { ...head, answer: { headers, body: bytes.slice(end + 1) } }
}
