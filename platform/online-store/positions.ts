import type { AppliedPosition } from '../../contracts/origin.ts'

function nameOf(position: AppliedPosition): string {
  return `${position.writer_id}\n${position.epoch}`
}

/** The greater of both, per writer and epoch: what is stored after a commit. */
export function mergePositions(stored: readonly AppliedPosition[], committed: readonly AppliedPosition[]): AppliedPosition[] {
  const merged = new Map(stored.map((position) => [nameOf(position), position]))
  for (const position of committed) {
    const known = merged.get(nameOf(position))
    if (known === undefined || known.seq < position.seq) merged.set(nameOf(position), position)
  }
  return [...merged.values()]
}

/** What every one of these partitions has applied: the least, per writer and epoch that all of them know. */
export function commonPositions(partitions: readonly (readonly AppliedPosition[])[]): AppliedPosition[] {
  const [first = [], ...rest] = partitions
  if (rest.every((positions) => positions === first)) return [...first]
  return first.flatMap((position) => {
    const others = rest.map(
      (positions) => positions.find((other) => other.epoch === position.epoch && other.writer_id === position.writer_id)?.seq,
    )
    const seqs = others.filter((seq) => seq !== undefined)
    return seqs.length < others.length ? [] : [{ ...position, seq: Math.min(position.seq, ...seqs) }]
  })
}
