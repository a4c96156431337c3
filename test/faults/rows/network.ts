import type { Fault } from '../fault.ts'
import type { LinkName, SetUp } from '../system/spec.ts'
import type { LinkMode } from '../system/tcp-proxy.ts'

const both: readonly SetUp[] = ['embedded', 'servers']

/** Faults of connections between any two that talk under the load: cut, held, or with the far end gone without a word. */
export const networkFaults: readonly Fault[] = [
  linkFault('client-gateway', { setUps: both, keepsAnswering: false, cutsAnswers: true }),
  linkFault('logger-warehouse', { setUps: both }),
  linkFault('features-warehouse', { setUps: both }),
  linkFault('gateway-warehouse', { setUps: both }),
  linkFault('gateway-redis', { keepsAnswering: false }),
  linkFault('features-redis', {}),
  linkFault('forwarder-nats', {}),
  linkFault('logger-nats', {}),
  linkFault('features-nats', {}),
  linkFault('gateway-nats', {}),
]

function linkFault(link: LinkName, options: { setUps?: readonly SetUp[]; keepsAnswering?: boolean; cutsAnswers?: boolean }): Fault {
  return {
    name: `network-${link}`,
    does: `TCP ${link.replace('-', ' to ')} dropped, held or half-open`,
    setUps: options.setUps ?? ['servers'],
    rounds: 20,
    keepsAnswering: options.keepsAnswering ?? true,
    cutsAnswers: options.cutsAnswers ?? false,
    system: { links: [link] },
    // A process that waits on a connection whose far end is gone learns of it by a time-out of its own.
    settleMs: 120_000,
    async inject({ system, random, pause }) {
      system.links.set(link, random.pick<LinkMode>(['drop', 'hold', 'half_open']))
      await pause(500, 3_000)
    },
  }
}
