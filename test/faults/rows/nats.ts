import type { Fault, Injection } from '../fault.ts'
import { deleteStream, streamOf } from '../system/jetstream-nats.ts'

/** Faults of the broker: it is gone, stopped, emptied or too small, while all publish and consume. */
export const natsFaults: readonly Fault[] = [
  natsFault('nats-kill', 'NATS SIGKILL', async ({ system, pause }) => {
    await system.nats.kill()
    await pause(0, 500)
  }),
  natsFault('nats-stop', 'NATS SIGSTOP for 2 to 8 s', async ({ system, pause }) => {
    system.nats.signal('SIGSTOP')
    await pause(2_000, 8_000)
  }),
  natsFault('nats-restart', 'NATS restarted', ({ system }) => system.nats.drain(20_000)),
  natsFault('nats-away', 'NATS down for longer than the duplicate window', async ({ system, pause }) => {
    await system.nats.kill()
    await pause(4_000, 6_000)
  }),
  natsFault('nats-stream-deleted', 'a stream of NATS deleted, with what no logger has taken yet', async ({ system, random, pause }) => {
    // The logger is killed, for one that lives would take what is to stay in the stream.
    await system.service('logger').kill()
    await pause(300, 1_000)
    await deleteStream(system.natsPort, streamOf(random.pick(['predictions', 'labels', 'feature_events'])))
    await pause(0, 500)
  }),
  {
    ...natsFault('nats-max-bytes', 'stream at its max_bytes: the logger stopped for 6 s', async ({ system, pause }) => {
      system.service('logger').signal('SIGSTOP')
      await pause(6_000)
    }),
    // The size is the smallest that is allowed; the load of those seconds is about twice as much.
    system: { env: { all: { NATS_STREAM_MAX_BYTES: String(1024 ** 2) } } },
  },
]

function natsFault(name: string, does: string, inject: (injection: Injection) => Promise<void>): Fault {
  return { name, does, setUps: ['servers'], rounds: 20, keepsAnswering: true, inject }
}
