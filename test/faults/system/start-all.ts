import { setTimeout as wait } from 'node:timers/promises'
import type { HarnessProcess } from './process.ts'

const deadlineMs = 60_000
/** The pause before a service is started again, as long as the supervisor's first. */
const pauseMs = 200

/** Starts what does not run: stores and brokers first, then all that uses them. Tries again what does not come up, as a supervisor would. */
export async function startAll(processes: readonly HarnessProcess[]): Promise<void> {
  const isStore = ({ name }: HarnessProcess) => name.endsWith('-server') || name === 'warehouse'
  await Promise.all(processes.filter(isStore).map(startOne))
  await Promise.all(processes.filter((one) => !isStore(one)).map(startOne))
}

async function startOne(process: HarnessProcess): Promise<void> {
  const giveUpAt = performance.now() + deadlineMs
  while (!process.running()) {
    try {
      await process.start()
    } catch (error) {
      if (performance.now() > giveUpAt) throw error
      await process.kill()
      await wait(pauseMs)
    }
  }
}
