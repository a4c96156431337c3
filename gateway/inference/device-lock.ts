import { createSerial } from '../../platform/service/serial.ts'

/**
 * Whether the provider's calls from two threads at once end the process, so that creating, running and releasing its sessions
 * must go one at a time: https://github.com/microsoft/onnxruntime/issues/32561
 */
export function takesOneCallAtATime(provider: string): boolean {
  return provider === 'webgpu'
}

/**
 * A lock that the threads of a process share for such a provider. Its one number is the id of the thread that holds it, 0 for none.
 */
export type DeviceLock = Int32Array<SharedArrayBuffer>

/** The longest that a thread waits. By then the run under way has been given up, or is one of a model that is too slow to serve. */
const longestWaitMs = 30_000

export function createDeviceLock(): DeviceLock {
  return new Int32Array(new SharedArrayBuffer(4))
}

/** Does the work while nobody else calls the device. */
export type HoldDevice = <T>(work: () => Promise<T>) => Promise<T>

/**
 * How a thread holds the device: its own works one after the other, and each while no other thread does any. The thread is held
 * until then, so this is nothing for the event loop of a gateway. Rejects when the device is not free in time.
 */
export function createHoldDevice(options: { lock: DeviceLock; threadId: number; waitMs?: number }): HoldDevice {
  const { lock, threadId, waitMs = longestWaitMs } = options
  const inTurn = createSerial()
  return (work) =>
    inTurn(async () => {
      takeDevice(lock, threadId, performance.now() + waitMs)
      try {
        return await work()
      } finally {
        freeDevice(lock, threadId)
      }
    })
}

function takeDevice(lock: DeviceLock, threadId: number, until: number): void {
  for (;;) {
    const holder = Atomics.compareExchange(lock, 0, 0, threadId)
    if (holder === 0) return
    const leftMs = until - performance.now()
    if (leftMs <= 0) throw new Error('the device is held by a run that does not end')
    Atomics.wait(lock, 0, holder, leftMs)
  }
}

/** Frees the device if this thread holds it: one that ended in the middle of a run does not do so itself. */
export function freeDevice(lock: DeviceLock, threadId: number): void {
  if (Atomics.compareExchange(lock, 0, threadId, 0) === threadId) Atomics.notify(lock, 0, 1)
}
