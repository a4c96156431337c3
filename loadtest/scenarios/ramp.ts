/* global __ENV */
import { arrivals, predict, settings, summaryTrendStats as stats, thresholds } from './predict.ts'

declare const __ENV: Record<string, string | undefined>

/**
 * The load goes from a tenth of `RATE` to all of it in ten steps, each a scenario of its own. Up to saturation everything is answered within
 * the budget, beyond it what is taken is; `npm run loadtest` says at which step it was reached.
 */
const steps = 10
const stepSeconds = Math.max(1, Math.floor(settings.seconds / steps))
const names = Array.from({ length: steps }, (_, index) => `step_${index + 1}`)
const rateOf = (index: number) => Math.round((settings.rate * (index + 1)) / steps)

export const options = {
  scenarios: Object.fromEntries(
    names.map((name, index) => [name, arrivals(rateOf(index), stepSeconds, { startTime: `${index * stepSeconds}s` })]),
  ),
  thresholds: {
    ...thresholds(settings.budgetMs, { http_req_duration: [] }),
    // Every step has thresholds, so that it stands in the summary; only the first is sure to be answered whole.
    ...Object.fromEntries(
      names.flatMap((name, index) => [
        [`answered{scenario:${name}}`, index === 0 ? ['count>0'] : ['count>=0']],
        [`refused{scenario:${name}}`, index === 0 ? ['count==0'] : ['count>=0']],
        [`answered_duration{scenario:${name}}`, [`p(99)<${settings.budgetMs}`]],
      ]),
    ),
  },
  summaryTrendStats: stats,
}

export default (): void => predict({ mayRefuse: true })
