import type { Fault } from '../fault.ts'
import type { VolumeSpec } from '../system/spec.ts'
import { whyNoVolumes } from '../system/volume.ts'

/** Faults of disks: a small tmpfs is filled to the last byte under load; then its space returns. */
export const diskFaults: readonly Fault[] = [
  { ...fullDisk('outbox', 64), setUps: ['embedded', 'servers'] },
  {
    ...fullDisk('warehouse', 1_024),
    setUps: ['embedded', 'servers'],
    // The last of the space goes at once, amid statements that have begun: the warehouse begins none on a disk that is nearly full.
    async inject({ system, pause }) {
      for (let time = 0; time < 3; time += 1) {
        system.volume.free()
        system.volume.fill(96 * 1024 ** 2)
        await pause(50, 500)
        system.volume.fill()
        await pause(50, 500)
      }
      await pause(1_000, 3_000)
    },
  },
  {
    ...fullDisk('nats', 256),
    does: 'no space left under nats, then space returns and NATS is restarted',
    setUps: ['servers'],
    async inject({ system, pause }) {
      system.volume.fill()
      await pause(1_000, 3_000)
      system.volume.free()
      // nats-server remembers a failed write of a stream's file for as long as it runs (seen with 2.15.2).
      await system.nats.kill()
    },
  },
]

function fullDisk(of: VolumeSpec['of'], megabytes: number): Omit<Fault, 'setUps'> {
  return {
    name: `disk-full-${of}`,
    does: `no space left under ${of}, then space returns`,
    rounds: 20,
    system: { volume: { of, kind: 'tmpfs', megabytes } },
    whyNot: whyNoVolumes,
    keepsAnswering: of !== 'outbox',
    async inject({ system, pause }) {
      system.volume.fill()
      await pause(1_000, 3_000)
    },
  }
}
