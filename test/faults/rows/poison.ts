import type { Fault, Injection } from '../fault.ts'
import { sendDuplicates, sendRefused } from './poison-http.ts'
import { publishGarbage } from './poison-nats.ts'
import { appendPoison } from './poison-outbox.ts'

/** Faults of data, on every lane and amid good records: bad JSON, a wrong schema, a future version, oversize, and an id again with other bytes. */
export const poisonFaults: readonly Fault[] = [
  {
    name: 'poison',
    does: 'bad JSON, wrong schema, future version, oversize, an id again with other bytes, on every lane',
    setUps: ['embedded', 'servers'],
    rounds: 20,
    keepsAnswering: true,
    async inject(injection: Injection) {
      await sendRefused(injection)
      await sendDuplicates(injection)
      await appendPoison(injection)
      if (injection.system.setUp === 'servers') await publishGarbage(injection.system.natsPort)
    },
  },
]
