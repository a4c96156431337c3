import { join } from 'node:path'
import { armFailpoint, disarmFailpoint, type FailpointName } from '../../../platform/service/failpoint.ts'
import type { Fault } from '../fault.ts'
import type { ServiceId, SetUp } from '../system/spec.ts'

const both: readonly SetUp[] = ['embedded', 'servers']

/** Faults of timing: SIGKILL between two steps that must not be taken for one. */
export const failpoints: readonly Fault[] = [
  failpointOf('gateway.before_commit', { hits: 40, cutsAnswers: true }),
  failpointOf('gateway.after_commit', { hits: 40, cutsAnswers: true }),
  failpointOf('gateway.after_answer', { hits: 40, cutsAnswers: true }),
  failpointOf('logger.before_insert', { keepsAnswering: true }),
  failpointOf('logger.after_insert', { keepsAnswering: true }),
  failpointOf('logger.before_ack', { keepsAnswering: true, setUps: ['servers'] }),
  failpointOf('logger.after_ack', { keepsAnswering: true, setUps: ['servers'] }),
  failpointOf('logger.after_confirm', { keepsAnswering: true }),
  failpointOf('forwarder.before_publish', { keepsAnswering: true, setUps: ['servers'], hits: 40 }),
  failpointOf('forwarder.after_ack', { keepsAnswering: true, setUps: ['servers'], hits: 40 }),
]

type FailpointOptions = { hits?: number; keepsAnswering?: boolean; cutsAnswers?: boolean; setUps?: readonly SetUp[] }

const fireWithinMs = 60_000

function failpointOf(
  name: FailpointName,
  { hits = 3, keepsAnswering = false, cutsAnswers = false, setUps = both }: FailpointOptions,
): Fault {
  const service = name.split('.')[0] as ServiceId
  return {
    name,
    does: `${service} SIGKILL ${name.split('.')[1]?.replace('_', ' the ')}`,
    setUps,
    rounds: 20,
    keepsAnswering,
    cutsAnswers,
    async inject({ system, random, pause }) {
      const dir = join(system.dir, 'failpoints')
      armFailpoint(dir, name, random.int(1, hits))
      const timer = setTimeout(() => void disarmFailpoint(dir, name), fireWithinMs)
      await Promise.race([system.service(service).ended(), pause(fireWithinMs + 1_000)])
      clearTimeout(timer)
      if (system.service(service).running()) throw new Error(`${name} did not fire within ${fireWithinMs} ms`)
      await pause(0, 200)
    },
  }
}
