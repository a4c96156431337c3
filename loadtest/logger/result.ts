import type { Outage } from './outage.ts'
import type { Spread } from './statistics.ts'

/** Rates in records per second; a request is as many records as versions that predict on it. */
export type Result = {
  rounds: number
  records: number
  batchRows: number
  generator: string
  gateway: { requestsPerSecond: Spread; recordsPerSecond: Spread; failed: number }
  clientAlone: Spread
  logger: Spread
  loggerToClient: Spread
  loggerToGateway: Spread
  outage?: Outage
}

/** The least that the ratios of the rates are to be. */
export const goals = { loggerToClient: 0.7, loggerToGateway: 2 } as const

export function toResultText(result: Result): string {
  const { gateway } = result
  return [
    `${result.rounds} rounds of ${result.records} records in batches of ${result.batchRows}; median [least, most]`,
    row(`gateway alone, ${result.generator}, requests/s`, gateway.requestsPerSecond, 0),
    row('gateway alone, records/s', gateway.recordsPerSecond, 0),
    row('@clickhouse/client alone, records/s', result.clientAlone, 0),
    row('logger, records/s', result.logger, 0),
    `${row('logger to client alone', result.loggerToClient, 2)}   ${verdict(result.loggerToClient.median, goals.loggerToClient)}`,
    `${row('logger to gateway', result.loggerToGateway, 2)}   ${verdict(result.loggerToGateway.median, goals.loggerToGateway)}`,
    ...(gateway.failed > 0 ? [`${gateway.failed} requests failed in the closed loop`] : []),
  ].join('\n')
}

export function toOutageText({ requestsPerSecond, outageSeconds, catchUpSeconds, behindRecords, ...parts }: Outage): string {
  const caught = `caught up in ${catchUpSeconds.toFixed(1)} s   ${catchUpSeconds < outageSeconds ? 'reached' : 'MISSED'}: less than the outage`
  return [
    `warehouse away for ${outageSeconds} s at ${requestsPerSecond} requests/s: ${behindRecords} records behind, ${caught}`,
    ...(['before', 'during', 'catchingUp'] as const).map((name) => {
      const { sent, failed, p50Ms, p99Ms } = parts[name]
      return `  ${name.padEnd(12)} ${sent} requests, ${failed} failed, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`
    }),
  ].join('\n')
}

function row(name: string, { median, min, max }: Spread, digits: number): string {
  return `${name.padEnd(40)} ${median.toFixed(digits)} [${min.toFixed(digits)}, ${max.toFixed(digits)}]`
}

function verdict(value: number, goal: number): string {
  return `${value >= goal ? 'reached' : 'MISSED'}: at least ${goal}`
}
