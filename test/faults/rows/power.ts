import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Fault } from '../fault.ts'
import type { HarnessProcess } from '../system/process.ts'
import { whyNoVolumes } from '../system/volume.ts'

/** Losses of power: a loop-mounted ext4 is shut down without flushing, so that what was not synced is gone, while those who write on it are killed. */
export const powerFaults: readonly Fault[] = [
  {
    name: 'power-outbox',
    does: 'power loss under the outbox',
    setUps: ['embedded', 'servers'],
    rounds: 20,
    system: { volume: { of: 'outbox', kind: 'ext4', megabytes: 512 } },
    cutsAnswers: true,
    whyNot: whyNoVolumes,
    async inject({ system, pause }) {
      await killAll(system.processes.filter(({ name }) => name !== 'warehouse' && !name.endsWith('-server')))
      system.volume.losePower()
      await pause(0, 100)
    },
  },
  {
    name: 'power-machine',
    does: 'power loss under outbox, online store and warehouse at once',
    setUps: ['embedded'],
    rounds: 20,
    system: { volume: { of: 'data', kind: 'ext4', megabytes: 2_048 } },
    cutsAnswers: true,
    whyNot: whyNoVolumes,
    async inject({ system, pause }) {
      await killAll(system.processes)
      system.volume.losePower()
      await pause(0, 100)
    },
  },
  {
    name: 'power-nats',
    does: 'power loss under NATS',
    setUps: ['servers'],
    rounds: 20,
    system: { volume: { of: 'nats', kind: 'ext4', megabytes: 512 } },
    whyNot: whyNoVolumes,
    keepsAnswering: true,
    async inject({ system, pause }) {
      await system.nats.kill()
      system.volume.losePower()
      await pause(0, 500)
    },
  },
  {
    name: 'nats-rollback',
    does: 'NATS store rolled back to a copy of some seconds ago',
    setUps: ['servers'],
    rounds: 20,
    keepsAnswering: true,
    async inject({ system, pause }) {
      const [store, copy] = [join(system.dir, 'nats'), join(system.dir, 'nats-copy')]
      await system.nats.kill()
      cpSync(store, copy, { recursive: true })
      await system.nats.start()
      // The pause lets the consumers get to what the rolled-back store will not have.
      await pause(1_000, 3_000)
      await system.nats.kill()
      rmSync(store, { recursive: true, force: true })
      cpSync(copy, store, { recursive: true })
      rmSync(copy, { recursive: true, force: true })
    },
  },
]

async function killAll(processes: readonly HarnessProcess[]): Promise<void> {
  await Promise.all(processes.map((one) => one.kill()))
}
