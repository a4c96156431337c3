import type { Fault } from '../fault.ts'

const base = { setUps: ['servers'], rounds: 20, keepsAnswering: true, system: { loggers: 2 } } as const

/** Faults while two loggers share the streams: a record may be in the hands of both. */
export const twoLoggerFaults: readonly Fault[] = [
  {
    ...base,
    name: 'two-loggers-kill',
    does: 'two loggers, one of them SIGKILL',
    async inject({ system, random, pause }) {
      await system.service(random.pick(['logger', 'logger-2'])).kill()
      await pause(0, 500)
    },
  },
  {
    ...base,
    name: 'two-loggers-stop',
    does: 'two loggers, one of them SIGSTOP for longer than the ack wait: it goes on with what the other has stored',
    async inject({ system, random, pause }) {
      system.service(random.pick(['logger', 'logger-2'])).signal('SIGSTOP')
      await pause(2_500, 5_000)
    },
  },
]
