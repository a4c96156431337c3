import { fromHalfBits } from '../tensors/half.ts'
import { splitRows, takeRows } from './batch.ts'
import type { RunReply } from './worker-protocol.ts'
import type { Sample, SessionPlan } from './inference.ts'
import type { Tensor, Tensors } from '../tensors/tensor.ts'
import { RunFault } from './inference-thread.ts'

/** Runs a session once, with nobody else's rows in the run. */
export type TryRun = (inputs: Tensors, rows: number) => Promise<RunReply>

/** Each figure comes from so many runs, or from as many as the time allows after the first, which only warms up. */
const measuredRuns = 15
const measuredMs = 200

/** Times in microseconds. `most` leaves out the worst tenth: the system takes the core away now and then. */
export type Timing = { median: number; most: number; around: number }

/** Times a run of the sample's rows, repeated up to `rows`; `around` is the median of what a run takes beyond itself. */
export async function timeRuns(run: TryRun, sample: Sample, rows: number): Promise<Timing> {
  const indices = Array.from({ length: rows }, (_, row) => row % sample.rows)
  const runs: number[] = []
  const around: number[] = []
  const until = performance.now() + measuredMs
  for (let turn = 0; turn <= measuredRuns && (turn < 2 || performance.now() < until); turn++) {
    const inputs = takeRows(sample.inputs, indices)
    const startedAt = performance.now()
    const { runUs } = await run(inputs, rows)
    if (turn === 0) continue
    runs.push(runUs)
    around.push(Math.max(0, (performance.now() - startedAt) * 1000 - runUs))
  }
  return { median: quantile(runs, 0.5), most: quantile(runs, 0.9), around: quantile(around, 0.5) }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
}

/** How many rows are compared; the allowed difference is there because kernels of other shapes sum in another order. */
const comparedRows = 8
const tolerance = 1e-6

export const noRows = 'an output does not have a row for each row of input'

/** Whether requests share runs, and if not, whether rows do. */
export async function findBatching(
  run: TryRun,
  sample: Sample,
  { maxBatchRows, rowByRow }: { maxBatchRows: number; rowByRow: boolean },
): Promise<Pick<SessionPlan, 'batching' | 'rowByRow'>> {
  if (rowByRow) return { batching: 'the file takes one row at a time', rowByRow: true }
  const reason = await whyRowByRow(run, sample)
  if (reason !== undefined) return { batching: reason, rowByRow: true }
  return { batching: maxBatchRows === 1 ? 'max_batch_rows is 1' : true, rowByRow: false }
}

/** Each of the sample's rows must come out as it does alone, among copies and among others. Undefined, or why not. */
async function whyRowByRow(run: TryRun, sample: Sample): Promise<string | undefined> {
  const count = Math.min(comparedRows, sample.rows)
  const indices = Array.from({ length: count }, (_, row) => row)
  const alone: Tensors[] = []
  for (const index of indices) alone.push((await run(takeRows(sample.inputs, [index]), 1)).tensors)
  const copies = () => takeRows(sample.inputs, [...indices, ...indices])
  // The model may not take rows that were made up.
  const shared = (await tryRun(run, withOthers(copies(), count), 2 * count)) ?? (await tryRun(run, copies(), 2 * count))
  if (shared === undefined) return 'a run of several rows fails'
  const together = splitRows(
    shared,
    Array.from({ length: 2 * count }, () => 1),
  )
  if (together === undefined) return noRows
  const changed = indices.find((index) => !areClose(alone[index]!, together[index]!))
  return changed === undefined ? undefined : 'a row comes out differently beside others than alone'
}

async function tryRun(run: TryRun, inputs: Tensors, rows: number): Promise<Tensors | undefined> {
  try {
    return (await run(inputs, rows)).tensors
  } catch (error) {
    if (error instanceof RunFault) return undefined
    throw error
  }
}

/** Changes the rows from `from` on, but only fractions: a changed category or index might be one that the model does not take. */
function withOthers(inputs: Tensors, from: number): Tensors {
  for (const { type, dims, data } of Object.values(inputs)) {
    if (type !== 'float32' && type !== 'float64') continue
    const numbers = data as Float32Array
    for (let at = (from * numbers.length) / (dims[0] ?? 1); at < numbers.length; at++) numbers[at] = numbers[at]! * 2 + 1
  }
  return inputs
}

function areClose(one: Tensors, other: Tensors): boolean {
  return Object.entries(one).every(([name, tensor]) => sameValues(tensor, other[name]))
}

function sameValues(one: Tensor, other: Tensor | undefined): boolean {
  if (other === undefined || one.data.length !== other.data.length) return false
  const [values, others] = [one, other].map(({ type, data }) =>
    type === 'float16' ? Array.from(data as Uint16Array, fromHalfBits) : [...data],
  )
  return values!.every((value, index) => isClose(value, others![index]))
}

function isClose(one: string | number | bigint, other: string | number | bigint | undefined): boolean {
  if (typeof one !== 'number' || typeof other !== 'number') return one === other
  return Object.is(one, other) || Math.abs(one - other) <= tolerance * Math.max(1, Math.abs(one))
}
