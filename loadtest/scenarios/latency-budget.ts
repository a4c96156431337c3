import { arrivals, predict, settings, summaryTrendStats as stats, thresholds } from './predict.ts'

/** A steady load that the gateway has room for: everything is answered, within the budget. */
export const options = {
  scenarios: { steady: arrivals(settings.rate, settings.seconds) },
  thresholds: thresholds(settings.budgetMs),
  summaryTrendStats: stats,
}

export default (): void => predict()
