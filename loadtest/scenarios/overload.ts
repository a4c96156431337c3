import { arrivals, predict, settings, summaryTrendStats as stats, thresholds } from './predict.ts'

/** Twice what the gateway can do: what it takes it answers within the budget, all else it refuses at once. `RATE` is the double. */
export const options = {
  scenarios: { overload: arrivals(settings.rate, settings.seconds) },
  thresholds: thresholds(settings.budgetMs, { http_req_duration: [], refused: ['count>0'] }),
  summaryTrendStats: stats,
}

export default (): void => predict({ mayRefuse: true })
