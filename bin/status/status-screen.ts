import { formatBytes, formatDuration, toTable } from '../../platform/command/output.ts'
import { refusalsOf } from './refusals.ts'
import { toConsumerText } from './outbox-report.ts'
import type { ServiceLine, SystemStatus } from './collect-status.ts'
import { fromColumnTime } from '../../platform/warehouse/column-time.ts'

/** The status as one screen of text. */
export function toStatusScreen(status: SystemStatus, now: Date): string {
  const supervisor = status.supervisor === undefined ? 'not supervised' : `supervisor pid ${status.supervisor.pid}`
  const sections = [
    `${status.ok ? 'ok' : 'NOT OK'}: ${status.data_dir} (${supervisor})`,
    toTable([['service', 'state', 'up', 'restarts', 'address'], ...status.services.map((line) => toServiceRow(line, status))]),
    ...refusalSection(status),
    outboxSection(status),
    warehouseSection(status, now),
    errorSection(status, now),
  ]
  return sections.join('\n\n')
}

function refusalSection({ services }: SystemStatus): string[] {
  const refusals = refusalsOf(services)
  return refusals.length === 0 ? [] : [['models', ...refusals].join('\n')]
}

function toServiceRow(line: ServiceLine, { services }: SystemStatus): string[] {
  const isOneOfMany = services.filter(({ service }) => service === line.service).length > 1
  const failing = line.failing_checks.length === 0 ? '' : ` (${line.failing_checks.join(', ')})`
  const exit = line.last_exit === undefined ? '' : ` (last: ${line.last_exit.how})`
  return [
    isOneOfMany ? `${line.service} ${line.instance ?? ''}` : line.service,
    `${line.state}${failing}`,
    line.uptime_s === undefined ? '-' : formatDuration(line.uptime_s),
    `${line.restarts ?? '-'}${exit}`,
    Object.values(line.addresses).join(' '),
  ]
}

function outboxSection({ outbox }: SystemStatus): string {
  const lanes = outbox.flatMap((writer) => writer.lanes.map((lane) => ({ ...lane, writer })))
  if (lanes.length === 0) return 'outbox: empty'
  const rows = lanes.map(({ writer, lane, bytes, segments, durableSeq, consumers }) => [
    `${writer.writerId}/${lane}`,
    String(durableSeq ?? 0),
    formatBytes(bytes),
    String(segments),
    consumers.map(toConsumerText).join(', '),
  ])
  return toTable([['outbox lane', 'last seq', 'size', 'segments', 'consumers'], ...rows])
}

function warehouseSection({ warehouse }: SystemStatus, now: Date): string {
  if (!warehouse.reachable) return `warehouse: does not answer: ${warehouse.error ?? ''}`
  const rows = warehouse.freshness.map(({ table, rows: count, newest }) => [
    table,
    String(count),
    newest === undefined ? '-' : ago(fromColumnTime(newest), now),
  ])
  return toTable([['warehouse', 'rows', 'newest received'], ...rows])
}

function errorSection({ recent_errors: errors }: SystemStatus, now: Date): string {
  if (errors.length === 0) return 'no recent errors'
  return toTable([
    ['recent errors', '', ''],
    ...errors.map((error) => [`${error.service} ${error.level}`, ago(error.at, now), error.message]),
  ])
}

function ago(time: string, now: Date): string {
  return `${formatDuration(Math.max(0, (now.getTime() - Date.parse(time)) / 1000))} ago`
}
