import type { GatewayMetrics } from '../../metrics/gateway-metrics.ts'
import { within } from '../../../platform/service/within.ts'

export type LookupSource = Parameters<GatewayMetrics['labelLookup']>[0]['source']

export type LookupDeps = {
  metrics: Pick<GatewayMetrics, 'labelLookup'>
  /** Milliseconds that labels wait for an answer; then they go without. */
  lookupMs: number
}

type TimedAnswer<T> = { outcome: 'answered'; value: T } | { outcome: 'late' | 'failed' }

/** Asks a question and waits for its answer for a bounded time. Never throws: what does not answer in time is counted, and undefined. */
export function createTimedLookup({ metrics, lookupMs }: LookupDeps) {
  return async function ask<T>(source: LookupSource, question: () => Promise<T>): Promise<T | undefined> {
    const asked = question().then(
      (value): TimedAnswer<T> => ({ outcome: 'answered', value }),
      (): TimedAnswer<T> => ({ outcome: 'failed' }),
    )
    const answer = await within(lookupMs, asked, (): TimedAnswer<T> => ({ outcome: 'late' }))
    metrics.labelLookup({ source, outcome: answer.outcome })
    return answer.outcome === 'answered' ? answer.value : undefined
  }
}

/** As `createTimedLookup`, one question at a time until it is answered: a bulk of labels must not become a bulk of queries. */
export function createSingleLookup(source: LookupSource, deps: LookupDeps) {
  const ask = createTimedLookup(deps)
  let asking = false
  return async function askSingle<T>(question: () => Promise<T>): Promise<T | undefined> {
    if (asking) {
      deps.metrics.labelLookup({ source, outcome: 'busy' })
      return undefined
    }
    asking = true
    return await ask(source, () => question().finally(() => (asking = false)))
  }
}
