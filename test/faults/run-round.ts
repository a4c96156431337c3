import { setTimeout as wait } from 'node:timers/promises'
import { type Checked, checkRound } from './check-round.ts'
import type { HttpClient } from './client/http-client.ts'
import type { Ledger } from './client/ledger.ts'
import { type Rates, startLoad } from './client/load.ts'
import type { Fault } from './fault.ts'
import { createRandom } from './random.ts'
import type { FaultSystem } from './system/system.ts'

export type Round = Checked & { ledger: Ledger; ms: number }

/** The rates of the load, low enough that a client, the services and a test's neighbours share two cores without queues of their own. */
const rates: Rates = { predictions: 100, labels: 25, events: 25 }
const beforeMs = { least: 100, most: 500 }
const afterMs = 250
const defaultSettleMs = 60_000

/** Load, the fault at a drawn moment, recovery under load, then the invariants. Equal seeds draw equal moments. */
export async function runRound(options: {
  fault: Fault
  system: FaultSystem
  /** The client of the load. */
  client: HttpClient
  /** The client of everything else, which waits longer. */
  prober: HttpClient
  seed: number
  round: number
  fromEpoch: number
  lossPatienceMs: number
}): Promise<Round> {
  const { fault, system, client, prober, seed, round, fromEpoch, lossPatienceMs } = options
  const startedAt = performance.now()
  const draw = (what: string) => createRandom(seed, `${fault.name}/${system.setUp}/${round}/${what}`)
  const random = draw('fault')
  const load = startLoad({ client, random: draw('load'), prefix: `r${round}.`, rates })
  try {
    await wait(random.int(beforeMs.least, beforeMs.most))
    await fault.inject({
      system,
      random,
      load,
      client: prober,
      pause: (ms, atMostMs) => wait(atMostMs === undefined ? ms : random.int(ms, atMostMs)),
    })
    await system.recover()
    await wait(afterMs)
  } finally {
    await load.stop()
  }
  const { ledger } = load
  const checked = await checkRound({
    system,
    client: prober,
    ledger,
    fromEpoch,
    settleMs: fault.settleMs ?? defaultSettleMs,
    cut: fault.cutsAnswers === true,
    lossPatienceMs,
  })
  return { ...checked, ledger, ms: performance.now() - startedAt }
}
