/* global __ENV */
import { predict, settings, summaryTrendStats as stats } from './predict.ts'

declare const __ENV: Record<string, string | undefined>

/** Closed loop: as much as is answered to clients that each wait for an answer. `npm run loadtest` measures with it what twice as much is. */
export const options = {
  scenarios: { closed: { executor: 'constant-vus', vus: Number(__ENV['VUS'] ?? 32), duration: `${settings.seconds}s` } },
  thresholds: { http_req_failed: ['rate<0.001'], checks: ['rate==1'], answered: ['count>0'] },
  summaryTrendStats: stats,
}

export default (): void => predict({ mayRefuse: true })
