import type { AppendInput, Durability } from '../../platform/event-log/event-log.ts'
import { failpoint } from '../../platform/service/failpoint.ts'
import type { Background } from './background.ts'
import type { CommitTime } from '../bounds/commit-time.ts'
import { countPredictions, type Made, makeEvents, type RecordDeps } from './record.ts'
import { microseconds } from './run.ts'
import type { Slices } from './slices.ts'
import { isRefusedWhole, type Part, type Work } from './work.ts'

export type CommitDeps = RecordDeps & { commitTime: CommitTime; background: Background }

/** The last stage: events are made, appended together, and whoever waits for them is answered. */
export type Commits = {
  /** All parts of the work have their execution. It is appended with what else there is at the next `flush`. */
  add(work: Work): void
  flush(): void
  /** Tells that nobody waits for the work any longer. Its events go on to be made durable, and a drain waits for them. */
  giveUp(work: Work, error: Error): void
}

type Entry = { work: Work; made: Made[]; onRecorded(): void; onFailed(error: Error): void }

/** The most bytes of events in one append, which may still hold one larger request. */
const mostAppendBytes = 512 * 1024

export function createCommits(deps: CommitDeps, { settle, slices }: { settle(work: Work, error?: Error): void; slices: Slices }): Commits {
  const { tick, metrics, background } = deps
  let waiting: Entry[] = []
  let flushing = false
  const givenUp = new Map<Work, { resolve(): void; reject(error: Error): void }>()

  function add(work: Work): void {
    const totalUs = microseconds(tick() - work.input.receivedTick)
    const [only] = work.parts
    if (only !== undefined && work.parts.length === 1) return append(work, makeEvents(deps, only, totalUs))
    const made: Made[] = []
    let left = work.parts.length
    const make = (part: Part) => {
      made.push(...makeEvents(deps, part, totalUs))
      if (--left === 0)
        append(
          work,
          made.toSorted((a, b) => a.predicted.event.index - b.predicted.event.index),
        )
    }
    for (const part of work.parts) slices.add(() => make(part), { later: true })
    slices.run()
  }

  function append(work: Work, made: Made[]): void {
    work.predicted = made.map(({ predicted }) => predicted)
    const commit = work.background ? undefined : work.input.idempotency?.commit
    const onFailed = (error: Error) => fail(work, error)
    const onCommitted = () => end(work)
    if (commit === undefined) return void waiting.push({ work, made, onRecorded: onCommitted, onFailed })
    const record = () =>
      new Promise<void>((onRecorded, reject) => {
        waiting.push({ work, made, onRecorded, onFailed: reject })
        flushSoon()
      })
    commit(work.predicted, record).then(onCommitted, onFailed)
  }

  /** Flushes once for all events whose preparation came back with one answer of the store: their promises are settled before the next tick. */
  function flushSoon(): void {
    if (flushing) return
    flushing = true
    process.nextTick(() => {
      flushing = false
      flush()
    })
  }

  function flush(): void {
    const entries = waiting
    if (entries.length === 0) return
    waiting = []
    for (const durability of ['disk', 'process'] as const) appendAll(entries, durability)
  }

  function appendAll(entries: readonly Entry[], durability: Durability): void {
    let together: Entry[] = []
    let bytes = 0
    for (const entry of entries) {
      if (entry.work.model.definition.durability !== durability) continue
      let own = 0
      for (const { record } of entry.made) own += record.payload.length
      if (together.length > 0 && bytes + own > mostAppendBytes) {
        appendTogether(together, durability)
        together = []
        bytes = 0
      }
      together.push(entry)
      bytes += own
    }
    if (together.length > 0) appendTogether(together, durability)
  }

  function appendTogether(entries: readonly Entry[], durability: Durability): void {
    const startedTick = tick()
    failpoint('gateway.before_commit')
    const records: AppendInput[] = []
    for (const { made } of entries) for (const { record } of made) records.push(record)
    deps.fates.append(records, { durability }).then(
      (origins) => {
        const tookMs = tick() - startedTick
        deps.commitTime.seen(tookMs)
        let from = 0
        for (const { work, made, onRecorded } of entries) {
          const own = origins.slice(from, (from += made.length))
          if (!work.background) work.input.reply?.committed(work.predicted, own)
          failpoint('gateway.after_commit')
          const { definition, version } = work.groups[0]!.routed.serving
          metrics.stage({ model: definition.name, version, stage: 'outbox' }, tookMs)
          countPredictions(metrics, work.predicted)
          onRecorded()
        }
      },
      (error: Error) => {
        for (const { onFailed } of entries) onFailed(error)
      },
    )
  }

  function end(work: Work): void {
    givenUp.get(work)?.resolve()
    givenUp.delete(work)
    if (work.background) return settle(work)
    const { facts } = work.groups[0]!.routed.serving
    metrics.stage({ model: facts.model, version: facts.model_version, stage: 'total' }, tick() - work.input.receivedTick)
    // A cause that spared no instance is the request's own.
    settle(work, isRefusedWhole(work.predicted) ? work.predicted[0]?.error : undefined)
  }

  function fail(work: Work, error: Error): void {
    givenUp.get(work)?.reject(error)
    givenUp.delete(work)
    settle(work, error)
  }

  return {
    add,
    flush,
    giveUp(work, error) {
      background.run('recording an unanswered request', () => new Promise((resolve, reject) => void givenUp.set(work, { resolve, reject })))
      settle(work, error)
    },
  }
}
