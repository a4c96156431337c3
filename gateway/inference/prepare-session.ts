import type { Sample, SessionPlan } from './inference.ts'
import { findBatching, timeRuns, type Timing, type TryRun } from './measure-session.ts'
import { type SessionEntry, longestInlineUs } from './session-entry.ts'
import type { OnnxSession } from './session-onnxruntime.ts'

/**
 * Measures a session in a thread and, where its settings and those figures allow, on the event loop; decides where it
 * runs and whether requests share runs.
 */
export async function prepareSession(options: {
  entry: SessionEntry
  sample: Sample
  runInThread: TryRun
  createInline: () => Promise<OnnxSession>
}): Promise<SessionPlan> {
  const { entry, sample, runInThread } = options
  const { settings } = entry.spec
  const found = await findBatching(runInThread, sample, { maxBatchRows: settings.max_batch_rows, rowByRow: entry.rowByRow })
  entry.rowByRow = found.rowByRow
  const maxBatchRows = found.batching === true ? settings.max_batch_rows : 1
  const timing = await timeCalmly(runInThread, sample, maxBatchRows)
  const figures = { ...timing, ...found, maxBatchRows }
  const kept = whyInThread(entry, timing)
  if (kept !== undefined) return { ...figures, ...plan('worker', kept) }
  const inline = entry.inline ?? (await options.createInline())
  const onLoop = await timeCalmly(
    (inputs, rows) => inline.run({ inputs, outputs: sample.outputs, rows, rowByRow: entry.rowByRow }),
    sample,
    maxBatchRows,
  )
  const measured = { ...onLoop, handOverUs: timing.handOverUs }
  const refused = whyInThread(entry, measured)
  if (refused !== undefined) {
    entry.inline = undefined
    await inline.release()
    return { ...figures, ...plan('worker', refused) }
  }
  entry.inline = inline
  return { ...figures, ...measured, ...plan('inline', whyOnLoop(settings.placement, measured)) }
}

type Figures = Pick<SessionPlan, 'oneRowUs' | 'batchUs' | 'handOverUs'> & { mostUs: number }

const attempts = 3

/** Times the session's runs, and again when only the worst of them were long: a machine pauses more often than a model. */
async function timeCalmly(run: TryRun, sample: Sample, batchRows: number): Promise<Figures> {
  for (let attempt = 1; ; attempt++) {
    const figures = await time(run, sample, batchRows)
    const isPausing = figures.mostUs > longestInlineUs && Math.max(figures.oneRowUs, figures.batchUs) < longestInlineUs / 2
    if (!isPausing || attempt === attempts) return figures
  }
}

async function time(run: TryRun, sample: Sample, batchRows: number): Promise<Figures> {
  const one = await timeRuns(run, sample, 1)
  const batch: Timing = batchRows === 1 ? one : await timeRuns(run, sample, batchRows)
  return { oneRowUs: one.median, batchUs: batch.median, handOverUs: one.around, mostUs: Math.max(one.most, batch.most) }
}

/** Why a session does not run on the event loop; undefined when it does. */
function whyInThread({ loops, spec, executionProvider }: SessionEntry, { oneRowUs, handOverUs, mostUs }: Figures): string | undefined {
  const { placement } = spec.settings
  if (placement === 'worker') return 'model.yaml says so'
  if (executionProvider !== 'cpu') return `it runs on ${executionProvider}, and how long a device takes depends on what else it is asked`
  if (mostUs > longestInlineUs) return `a run took ${mostUs} us, and the event loop is held for ${longestInlineUs} us at most`
  if (placement === 'auto' && loops) return 'it has a loop, so that one request may hold it for much longer than another'
  if (placement === 'auto' && oneRowUs > handOverUs) return 'a run takes longer than handing it over'
  return undefined
}

function whyOnLoop(placement: 'auto' | 'inline' | 'worker', { oneRowUs, handOverUs }: Figures): string {
  if (placement === 'inline') return 'model.yaml says so'
  return `one row takes ${oneRowUs} us, handing it over ${handOverUs} us; batches that take over ${longestInlineUs} us go to a thread`
}

function plan(placement: SessionPlan['placement'], reason: string): Pick<SessionPlan, 'placement' | 'reason'> {
  return { placement, reason }
}
