import { createDistribution } from './distribution.ts'
import { loopActiveMs } from './loop-activity.ts'
import type { Instruments, Series } from './instruments.ts'

export type ProcessMetrics = { stop(): void }

/** The time between two looks: any longer pause is seen, and a look costs microseconds. */
const lookEveryMs = 20
const lagBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Watches how late the event loop comes to what is due, and what the process uses, alike in every service. */
export function watchProcess(instruments: Instruments): ProcessMetrics {
  const lag = createDistribution(lagBounds)
  let dueMs = performance.now() + lookEveryMs
  const timer = setInterval(() => {
    const nowMs = performance.now()
    lag.record(Math.max(0, nowMs - dueMs) / 1000)
    dueMs = nowMs + lookEveryMs
  }, lookEveryMs)
  timer.unref()

  instruments.observe(
    'histogram',
    { name: 'hindsight_event_loop_lag_seconds', description: 'How late the event loop came to a timer that was due.', unit: 's' },
    () => single(lag),
  )
  instruments.observe(
    'counter',
    {
      name: 'hindsight_event_loop_active_seconds_total',
      description: 'Time that the event loop was at work; its rate is its load.',
      unit: 's',
    },
    () => single(loopActiveMs() / 1000),
  )
  instruments.observe(
    'counter',
    { name: 'process_cpu_seconds_total', description: 'Processor time that all threads of the process have taken.', unit: 's' },
    () => single((process.cpuUsage().user + process.cpuUsage().system) / 1e6),
  )
  instruments.observe('gauge', { name: 'process_resident_memory_bytes', description: 'Resident memory of the process.', unit: 'By' }, () =>
    single(process.memoryUsage.rss()),
  )
  return { stop: () => clearInterval(timer) }
}

function single(value: Series['value']): Series[] {
  return [{ labels: [], value }]
}
