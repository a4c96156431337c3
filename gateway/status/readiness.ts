import type { EventLogWriter } from '../../platform/event-log/event-log.ts'
import type { OnlineStore } from '../../platform/online-store/online-store.ts'
import type { InferenceEngine } from '../inference/inference.ts'
import type { NotServed } from './not-served.ts'

export type Readiness = {
  checks(): Promise<Record<string, boolean>>
  notes(): Promise<ReadinessNotes>
  status(): Promise<{ online_store: 'answers' | 'does not answer' }>
}

/** What an operator should know and a load balancer should not act on, as it is so for all gateways, or of one model of several. */
export type ReadinessNotes = {
  /** Feature views that are still being loaded. Left out when the online store does not answer. */
  views_not_filled?: string[]
  /** Models whose champion does not answer. */
  models_not_served?: NotServed[]
}

/** The gateway's own state, which is asked for beside the adapters. */
type GatewayState = {
  draining(): boolean
  served(): { models: number; not: NotServed[] }
  viewsNotFilled(): Promise<string[] | undefined>
}

/**
 * Whether this gateway should be sent requests. The warehouse is not asked: predictions do without it. The online store
 * is asked until it has answered once, so that one with a wrong address never serves; later, models have their rules. Of
 * its models one must be served.
 */
export function createReadiness(
  { eventLog, store, inference }: { eventLog: EventLogWriter; store: OnlineStore; inference: InferenceEngine },
  state: GatewayState,
): Readiness {
  let answeredOnce = false
  async function answers(): Promise<boolean> {
    try {
      await store.ping()
      answeredOnce = true
      return true
    } catch {
      // The adapter has told its `onFault`; here only whether counts.
      return false
    }
  }
  return {
    async checks() {
      const online = answeredOnce || (await answers())
      const { models, not } = state.served()
      return {
        not_draining: !state.draining(),
        outbox_writable: eventLog.writable(),
        online_store: online,
        inference: inference.healthy(),
        a_model_is_served: not.length === 0 || not.length < models,
      }
    },
    async notes() {
      const { not } = state.served()
      const views = await state.viewsNotFilled()
      return { ...(views !== undefined && { views_not_filled: views }), ...(not.length > 0 && { models_not_served: not }) }
    },
    status: async () => ({ online_store: (await answers()) ? 'answers' : 'does not answer' }),
  }
}
