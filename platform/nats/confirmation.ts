import { confirmationV1, type ConfirmedRange } from '../../contracts/confirmation.ts'
import type { Origin } from '../../contracts/origin.ts'

/** The most bytes of a range in a message; its writer id alone has up to 128 characters of three bytes. */
const rangeBytesAtMost = 512
/** The limit of a server that does not say its own: none has a lower one. */
const usualMaxPayload = 64 * 1024

/** The confirmations that a logger sends once these records are stored: few messages, none above `maxPayload` bytes. */
export function toConfirmations(records: readonly { origin: Origin }[], maxPayload = usualMaxPayload): string[] {
  const ranges = toRanges(records)
  const atOnce = Math.max(1, Math.floor(maxPayload / rangeBytesAtMost) - 1)
  const out: string[] = []
  for (let from = 0; from < ranges.length; from += atOnce)
    out.push(JSON.stringify({ schema_version: 1, ranges: ranges.slice(from, from + atOnce) }))
  return out
}

/** The ranges of a confirmation; none where the text is not one, or of a version that this build does not know, so that its records are published again. */
export function parseConfirmation(text: string): ConfirmedRange[] {
  try {
    return confirmationV1.parse(JSON.parse(text)).ranges
  } catch {
    return []
  }
}

function toRanges(records: readonly { origin: Origin }[]): ConfirmedRange[] {
  const streams = new Map<string, { origin: Origin; seqs: number[] }>()
  for (const { origin } of records) {
    const key = `${origin.lane}/${origin.epoch}/${origin.writer_id}`
    const stream = streams.get(key)
    if (stream) stream.seqs.push(origin.seq)
    else streams.set(key, { origin, seqs: [origin.seq] })
  }
  return [...streams.values()].flatMap(({ origin: { writer_id, epoch, lane }, seqs }) =>
    toRuns(seqs).map(([first_seq, last_seq]) => ({ writer_id, epoch, lane, first_seq, last_seq })),
  )
}

function toRuns(seqs: number[]): [number, number][] {
  const runs: [number, number][] = []
  for (const seq of seqs.toSorted((a, b) => a - b)) {
    const run = runs.at(-1)
    if (run !== undefined && seq <= run[1] + 1) run[1] = seq
    else runs.push([seq, seq])
  }
  return runs
}
