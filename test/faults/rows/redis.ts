import { once } from 'node:events'
import { connect } from 'node:net'
import type { Fault, Injection } from '../fault.ts'

/** The online store away, empty and slow: answers follow the model's rule, their events say so, and the store is made again. */
export const redisFaults: readonly Fault[] = [
  redisFault('redis-kill', 'Redis SIGKILL', async ({ system, pause }) => {
    await system.redis.kill()
    await pause(200, 1_500)
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
  redisFault('redis-stop', 'Redis SIGSTOP for 1 to 3 s', async ({ system, pause }) => {
    system.redis.signal('SIGSTOP')
    await pause(1_000, 3_000)
  }),
]

function redisFault(name: string, does: string, inject: (injection: Injection) => Promise<void>): Fault {
  return { name, does, setUps: ['servers'], rounds: 20, inject }
}

async function sendCommand(port: number, command: string): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`${command}\r\n`)
  const [reply] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  if (reply.toString() !== '+OK\r\n') throw new Error(`Redis answered ${reply.toString()}`)
}
