import type { Fault } from '../fault.ts'
import type { ServiceId } from '../system/spec.ts'

/** Faults of processes: SIGKILL of each service at any moment. */
export const processKills: readonly Fault[] = [
  { ...killOf('gateway'), rounds: 250, cutsAnswers: true },
  { ...killOf('logger'), rounds: 250, keepsAnswering: true },
  { ...killOf('features'), keepsAnswering: true },
  { ...killOf('forwarder'), setUps: ['servers'], keepsAnswering: true },
]

function killOf(service: ServiceId): Fault {
  return {
    name: `${service}-kill`,
    does: `${service} SIGKILL at any moment`,
    setUps: ['embedded', 'servers'],
    rounds: 20,
    async inject({ system, pause }) {
      await system.service(service).kill()
      await pause(0, 300)
    },
  }
}
