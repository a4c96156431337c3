import type { Fault } from '../fault.ts'
import type { ServiceId, SetUp } from '../system/spec.ts'

const hourMs = 3_600_000

/** Faults of clocks: one process's clock is an hour off, all the time, while that process is killed. */
export const clockFaults: readonly Fault[] = [
  ...clockFaultsOf('gateway', ['embedded', 'servers']),
  ...clockFaultsOf('logger', ['embedded', 'servers']),
  ...clockFaultsOf('features', ['embedded', 'servers']),
  ...clockFaultsOf('forwarder', ['servers']),
]

function clockFaultsOf(service: ServiceId, setUps: readonly SetUp[]): Fault[] {
  return ([hourMs, -hourMs] as const).map((offsetMs) => ({
    name: `clock-${service}-${offsetMs > 0 ? 'ahead' : 'behind'}`,
    does: `clock of ${service} an hour ${offsetMs > 0 ? 'ahead' : 'behind'}, and its SIGKILL`,
    setUps,
    rounds: 20,
    cutsAnswers: service === 'gateway',
    system: {
      preload: { [service]: 'test/faults/system/shift-clock.js' },
      env: { [service]: { FAULTS_CLOCK_OFFSET_MS: String(offsetMs) } },
    },
    async inject({ system, pause }) {
      await pause(500)
      await system.service(service).kill()
      await pause(0, 200)
    },
  }))
}
