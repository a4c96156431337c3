import { ServiceError, toServiceError } from '../../contracts/errors.ts'
import { createCancellation } from '../bounds/cancellation.ts'
import type { InferenceEngine } from '../inference/inference.ts'
import { RunFault } from '../inference/inference-thread.ts'
import { decodeOutputs, encodeInputs, type FeatureRow, type Outputs } from '../inference/tensors.ts'
import { fromHalfBits } from '../tensors/half.ts'
import type { Tensor, TensorData, Tensors, TensorType } from '../tensors/tensor.ts'
import type { AssembledRow } from './assemble.ts'
import { decide } from './decision.ts'
import type { Execution, InstanceResult, StageDurations } from './prediction.ts'
import type { ServingVersion } from './serving-model.ts'
import type { Part } from './work.ts'

export type RunDeps = { inference: Pick<InferenceEngine, 'run'>; now: () => number; tick: () => number }

/** Calls back with each part's execution, all of a run's one after the other, then once more when they are through. */
export type RunEnd = { each(part: Part, execution: Execution): void; all(): void }

/** Runs the parts, all of one version, in as few runs as its batches allow. Their rows are assembled, and there is one of each to run. */
export function runParts(deps: RunDeps, parts: readonly Part[], end: RunEnd): void {
  const [{ routed }] = parts as [Part]
  const { batching, maxBatchRows } = routed.serving.plan
  const most = batching === true ? maxBatchRows : 1
  let together: Part[] = []
  let rows = 0
  for (const part of parts) {
    const own = part.assembled.length
    if (rows > 0 && rows + own > most) {
      startJob(deps, together, end)
      together = []
      rows = 0
    }
    together.push(part)
    rows += own
  }
  startJob(deps, together, end)
}

function startJob(deps: RunDeps, parts: readonly Part[], end: RunEnd): void {
  const [{ routed, work }] = parts as [Part]
  const { manifest, sessionId } = routed.serving
  const startedTick = deps.tick()
  const cancellation = createCancellation()
  let waiting = parts.length
  let mark = -Infinity
  for (const part of parts) {
    // When the last part leaves, the run is not wanted any more.
    part.leaveRun = (reason) => void (--waiting === 0 && cancellation.cancel(reason))
    const { stage, marks } = part.work
    mark = Math.max(mark, stage === 'stand-in' ? marks.standInBy : marks.workBy)
  }
  const rows = rowsOf(parts)
  const failAll = (cause: unknown) => {
    // One request may be why the run failed: the others must not suffer for it.
    if (cause instanceof RunFault && parts.length > 1)
      return parts.filter(({ execution }) => execution === undefined).forEach((part) => startJob(deps, [part], end))
    const error = toServiceError(cause)
    for (const part of parts) end.each(part, executionOf(part, { durationUs: {}, resultOf: (item) => failure(item, error) }))
    end.all()
  }
  const run = async () =>
    deps.inference.run({
      sessionId,
      inputs: encodeInputs(manifest.inputs, rows),
      outputs: namesOf(manifest.outputs),
      rows: rows.length,
      deadlineAtMs: deps.now() + mark - startedTick,
      cancellation,
      background: work.background,
    })
  run()
    .then(({ tensors, runUs }) => {
      const queue = Math.max(0, microseconds(deps.tick() - startedTick) - runUs)
      endJob(parts, { tensors, rows: rows.length, durationUs: { queue, inference: runUs } }, end)
    })
    .catch(failAll)
}

function rowsOf(parts: readonly Part[]): FeatureRow[] {
  const rows: FeatureRow[] = []
  for (const { assembled } of parts) for (const { row, error } of assembled) if (error === undefined) rows.push(row)
  return rows
}

type Ended = { tensors: Tensors; rows: number; durationUs: Pick<StageDurations, 'queue' | 'inference'> }

function endJob(parts: readonly Part[], { tensors, rows, durationUs }: Ended, end: RunEnd): void {
  const [{ routed }] = parts as [Part]
  const { definition, manifest } = routed.serving
  const decoded = decodeOutputs({ outputs: manifest.outputs, definition, tensors, rows })
  let row = 0
  for (const part of parts) {
    const resultOf = (item: AssembledRow) => {
      const at = { row: row++, rows }
      return withRowTensors(toResult(routed.serving, item, decoded[at.row]), tensors, at)
    }
    end.each(part, executionOf(part, { durationUs, resultOf }))
  }
  end.all()
}

type Outcome = { durationUs: Pick<StageDurations, 'queue' | 'inference'>; resultOf: (item: AssembledRow) => InstanceResult }

/** The execution of a part: `resultOf` each row that was run, and the error of each that failed before. */
export function executionOf({ assembled, featuresUs, seen }: Part, { durationUs, resultOf }: Outcome): Execution {
  const results = assembled.map((item) => (item.error === undefined ? resultOf(item) : failure(item, item.error)))
  const { queue, inference } = durationUs
  return { results, durationUs: { features: featuresUs, queue, inference }, seen }
}

export function failure({ instance, features }: Pick<AssembledRow, 'instance' | 'features'>, error: ServiceError): InstanceResult {
  return { instance, features, error }
}

function toResult(serving: ServingVersion, { instance, features }: AssembledRow, row: Outputs | ServiceError | undefined): InstanceResult {
  if (row === undefined || row instanceof ServiceError)
    return { instance, features, error: row ?? new ServiceError('inference_failed', 'the model gave no row') }
  return { instance, features, outputs: row, decision: decide(serving.definition, row) }
}

/** The names of the tensors that the outputs are taken from, each once. */
function namesOf(outputs: ServingVersion['manifest']['outputs']): string[] {
  const names: string[] = []
  for (const { tensor } of outputs) if (!names.includes(tensor)) names.push(tensor)
  return names
}

export function microseconds(milliseconds: number): number {
  return Math.max(0, Math.round(milliseconds * 1000))
}

/**
 * The result with its own row of the tensors that the model gave, for a caller that asked in tensors. A row that no answer
 * can hold is an error.
 */
function withRowTensors(result: InstanceResult, tensors: Tensors | undefined, at: { row: number; rows: number }): InstanceResult {
  if (result.error !== undefined || result.instance.row === undefined || tensors === undefined) return result
  const own: Tensors = {}
  for (const [name, tensor] of Object.entries(tensors)) {
    const width = tensor.data.length / at.rows
    const data = Number.isInteger(width) ? rowOf(tensor.data, at.row * width, width) : undefined
    if (data === undefined || !isFinite(tensor.type, data)) {
      const message = data === undefined ? `output ${name} does not have ${at.rows} rows` : `output ${name} is not finite`
      return { instance: result.instance, features: result.features, error: new ServiceError('inference_failed', message) }
    }
    own[name] = { type: tensor.type, dims: rowDims(tensor, width), data }
  }
  return { ...result, tensors: own }
}

function rowOf(data: TensorData, from: number, width: number): TensorData {
  return Array.isArray(data) ? data.slice(from, from + width) : data.subarray(from, from + width)
}

function isFinite(type: TensorType, data: TensorData): boolean {
  if (type === 'float16') return (data as Uint16Array).every((bits) => Number.isFinite(fromHalfBits(bits)))
  return data instanceof Float32Array || data instanceof Float64Array ? data.every(Number.isFinite) : true
}

/** The first dimension is the row. A model that gives flat values for all rows has none. */
function rowDims({ dims }: Tensor, width: number): number[] {
  const rest = dims.slice(1)
  const fits = rest.reduce((product, size) => product * size, 1) === width
  return [1, ...(fits ? rest : [width])]
}
