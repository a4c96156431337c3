import { once } from 'node:events'
import { connect } from 'node:net'
import type { Ledger } from '../client/ledger.ts'
import type { Fault, Injection } from '../fault.ts'
import { until } from '../system/until.ts'

/** Faults of the online store: it is away, empty or slow. Answers follow the model's rule, their events say so, and the store is made again. */
export const redisFaults: readonly Fault[] = [
  redisFault('redis-kill', 'Redis SIGKILL', async ({ system, load, pause }) => {
    await system.redis.kill()
    await untilAnswersSayIt(load.ledger)
    await pause(0, 1_000)
  }),
  redisFault('redis-stop', 'Redis SIGSTOP', async ({ system, load, pause }) => {
    system.redis.signal('SIGSTOP')
    await untilAnswersSayIt(load.ledger)
    await pause(0, 2_000)
  }),
  redisFault('redis-emptied', 'Redis emptied', async ({ system, pause }) => {
    await sendCommand(system.redisPort, 'FLUSHALL')
    await pause(0, 1_000)
  }),
  {
    ...redisFault('redis-slow', 'Redis answers 50 to 400 ms late', async ({ system, random, pause }) => {
      system.links.set('gateway-redis', { delayMs: random.int(25, 200) })
      await pause(1_000, 3_000)
    }),
    system: { links: ['gateway-redis'] },
  },
]

function redisFault(name: string, does: string, inject: (injection: Injection) => Promise<void>): Fault {
  return { name, does, setUps: ['servers'], rounds: 20, inject }
}

/** Waits until flight-delay's rule shows: without the store its online features are missing, for that reason, and it answers all the same. */
async function untilAnswersSayIt(ledger: Ledger): Promise<void> {
  await until('a prediction is answered that says that the online store was away', 60_000, () =>
    [...ledger.predictions.values()].some(({ answer }) => {
      const online = answer?.features?.filter(({ source }) => source === 'online') ?? []
      return online.length > 0 && online.every(({ status, reason }) => status === 'missing' && reason === 'store_unavailable')
    }),
  )
}

async function sendCommand(port: number, command: string): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`${command}\r\n`)
  const [reply] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  if (reply.toString() !== '+OK\r\n') throw new Error(`Redis answered ${reply.toString()}`)
}
