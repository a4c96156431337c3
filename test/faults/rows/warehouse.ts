import type { Fault } from '../fault.ts'
import type { Treatment } from '../system/http-proxy.ts'

const base = { setUps: ['embedded', 'servers'], rounds: 20, keepsAnswering: true } as const

/** Faults of the warehouse: it is away, stopped, failing or slow. The logger inserts every tenth of a second, so that all of it is amid inserts. */
export const warehouseFaults: readonly Fault[] = [
  {
    ...base,
    name: 'warehouse-kill',
    does: 'warehouse SIGKILL amid inserts',
    async inject({ system, pause }) {
      await system.service('warehouse').kill()
      await pause(0, 500)
    },
  },
  {
    ...base,
    name: 'warehouse-stop',
    does: 'warehouse SIGSTOP for 20 s',
    async inject({ system, pause }) {
      system.service('warehouse').signal('SIGSTOP')
      await pause(20_000)
    },
  },
  {
    ...base,
    name: 'warehouse-errors',
    does: 'warehouse answers 500, before or after it has carried the insert out',
    system: { warehouseProxy: true },
    async inject({ system, random, pause }) {
      system.warehouseProxy?.set(() => random.pick<Treatment>(['refuse', 'refuse_after', 'refuse_after', 'pass']))
      await pause(500, 3_000)
    },
  },
  {
    ...base,
    name: 'warehouse-slow',
    does: 'warehouse answers up to 3 s late',
    system: { warehouseProxy: true },
    async inject({ system, random, pause }) {
      system.warehouseProxy?.set(() => ({ delayMs: random.int(100, 3_000) }))
      await pause(1_000, 4_000)
    },
  },
]
