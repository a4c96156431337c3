import { isBun } from './bun.ts'

/** Milliseconds that this thread's event loop has been at work, ever. Bun does not count them, so there it is the thread's processor time. */
export const loopActiveMs: () => number = isBun ? threadCpuMs : () => performance.eventLoopUtilization().active

/** The part of `process` that Node.js 20 lacks, and its types too. */
type CountsThreads = { threadCpuUsage(): NodeJS.CpuUsage }

function threadCpuMs(): number {
  const { user, system } = (process as unknown as CountsThreads).threadCpuUsage()
  return (user + system) / 1000
}
