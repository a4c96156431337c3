import type { Logger } from 'pino'
import { ServiceError } from '../../contracts/errors.ts'
import type { SessionInfo, SessionSpec } from './inference.ts'
import { type InferenceThread, startInferenceThread } from './inference-thread.ts'
import { createSerial } from '../../platform/service/serial.ts'
import type { RunMessage, RunReply } from './worker-protocol.ts'
import { backOffMs } from '../../platform/service/retry.ts'

/** A place in the pool. Its thread changes when it crashes or is recycled. */
type OwnSlot = { thread: InferenceThread; sessions: Set<string>; state: 'up' | 'loading' | 'down'; busy: boolean }
export type Slot = Readonly<Pick<OwnSlot, 'state' | 'busy'>> & { readonly sessions: ReadonlySet<string> }

export type ThreadPool = {
  readonly slots: readonly Slot[]
  /** Runs in a slot, which takes one run at a time: queueing, batching and dropping are done on this side. */
  run(slot: Slot, message: Omit<RunMessage, 'kind'>, waited: RunBounds): Promise<RunReply>
  /** Loads the session in every thread, on the execution provider that the first of them took: events name only one. */
  load(spec: SessionSpec): Promise<SessionInfo>
  /** Replaces every thread, one after the other, by one without the session. */
  unload(sessionId: string): Promise<void>
  /** Resolves when all threads have ended, but for those given up. */
  close(): Promise<void>
  /** How many threads were given up and still run. */
  readonly abandoned: number
}

/** The time until which somebody waits for a run (Unix milliseconds), and what is called when it goes on long after that. */
export type RunBounds = { untilMs: number; onOverdue: () => void }

/** Pause before a crashed thread is started again, doubled per crash in a row: long enough not to spin, short enough to miss. */
const restartBackOff = { firstMs: 20, mostMs: 5_000 }

/**
 * Threads that each hold every session. Loading, recycling and restarting happen one at a time, and a thread that loads
 * runs nothing meanwhile. `onFree` is called whenever a slot may take a run again.
 */
export function createThreadPool(deps: {
  logger: Logger
  entry: URL
  threads: number
  /** How long a run may go on when nobody waits for it any more, before its thread is given up. */
  overdueMs: number
  onFree: () => void
}): ThreadPool {
  const { logger } = deps
  const specs = new Map<string, SessionSpec>()
  const inTurn = createSerial()
  let crashes = 0
  let closing = false
  let abandoned = 0
  const restarts = new Set<NodeJS.Timeout>()
  const slots = Array.from({ length: deps.threads }, createSlot)

  function createSlot(): OwnSlot {
    const slot: OwnSlot = { thread: startThread(), sessions: new Set(), state: 'up', busy: false }
    watch(slot)
    return slot
  }

  function startThread(): InferenceThread {
    return startInferenceThread({
      entry: deps.entry,
      onError: (error) => logger.error({ err: error }, 'the inference thread failed'),
    })
  }

  /** A thread that ends while it is the slot's own has crashed. */
  function watch(slot: OwnSlot): void {
    const { thread } = slot
    void thread.ended.then((code) => {
      if (closing || thread.abandoned || slot.thread !== thread) return
      logger.error({ exit_code: code }, 'an inference thread ended; starting it again')
      slot.state = 'down'
      const delayMs = backOffMs(++crashes, restartBackOff)
      const timer = setTimeout(() => {
        restarts.delete(timer)
        void inTurn(() => renew(slot))
      }, delayMs)
      restarts.add(timer)
    })
  }

  /** A new thread with every session takes the slot's place; the old one, if it lives, ends after its run. */
  async function renew(slot: OwnSlot): Promise<void> {
    if (closing) return
    const thread = startThread()
    const sessions = new Set<string>()
    let ended = false
    void thread.ended.then(() => (ended = true))
    for (const spec of specs.values()) {
      try {
        await thread.load(spec)
        sessions.add(spec.id)
      } catch (error) {
        logger.error({ err: error, session: spec.id }, 'a model could not be loaded again')
      }
    }
    const before = slot.thread
    Object.assign(slot, { thread, sessions, busy: false, state: ended ? 'down' : 'up' })
    watch(slot)
    if (!ended) crashes = 0
    deps.onFree()
    await before.close()
  }

  /** Gives a thread up and frees its slot at once: what waits for the slot, a load above all, must not wait for a run that does not end. */
  function abandon(slot: OwnSlot, thread: InferenceThread, sessionId: string): void {
    logger.error({ session: sessionId }, 'a run does not end; another inference thread takes the place of its own')
    abandoned++
    void thread.ended.then(() => abandoned--)
    thread.abandon()
    if (slot.thread !== thread) return
    slot.state = 'down'
    void inTurn(() => renew(slot))
  }

  /** Loads a session into the slot's thread. Undefined where that was given up meanwhile: the one in its place loads all sessions. */
  async function loadInto(slot: OwnSlot, spec: SessionSpec): Promise<SessionInfo | undefined> {
    const { thread } = slot
    slot.state = 'loading'
    try {
      const info = await thread.load(spec)
      slot.sessions.add(spec.id)
      return info
    } catch (error) {
      if (thread.abandoned) return undefined
      throw error
    } finally {
      if ((slot.state as OwnSlot['state']) !== 'down') slot.state = 'up'
      deps.onFree()
    }
  }

  return {
    slots,
    async run(slot, message, { untilMs, onOverdue }) {
      const own = slot as OwnSlot
      const { thread } = own
      own.busy = true
      const timer = setTimeout(
        () => {
          onOverdue()
          abandon(own, thread, message.sessionId)
        },
        untilMs + deps.overdueMs - Date.now(),
      )
      try {
        return await thread.run(message)
      } finally {
        clearTimeout(timer)
        // A slot that was given a new thread meanwhile is that one's to free.
        if (own.thread === thread) own.busy = false
      }
    },
    load: (spec) =>
      inTurn(async () => {
        specs.set(spec.id, spec)
        let info: SessionInfo | undefined
        try {
          for (const slot of slots) {
            if (slot.state !== 'up') continue
            const loaded = await loadInto(slot, specs.get(spec.id) ?? spec)
            if (info !== undefined || loaded === undefined) continue
            info = loaded
            specs.set(spec.id, withProvider(spec, info))
          }
        } catch (error) {
          specs.delete(spec.id)
          throw error
        }
        if (info === undefined) throw new ServiceError('inference_failed', 'no inference thread is up')
        return info
      }),
    unload: (sessionId) =>
      inTurn(async () => {
        if (!specs.delete(sessionId)) return
        for (const slot of slots) slot.sessions.delete(sessionId)
        for (const slot of slots) await renew(slot)
      }),
    async close() {
      closing = true
      for (const timer of restarts) clearTimeout(timer)
      await inTurn(() => Promise.all(slots.map(({ thread }) => thread.close())))
    },
    get abandoned() {
      return abandoned
    },
  }
}

/** The session's settings with the execution provider that was taken and no other. */
export function withProvider(spec: SessionSpec, { executionProvider }: Pick<SessionInfo, 'executionProvider'>): SessionSpec {
  // The provider that was taken is one of those in the settings.
  const execution_providers = spec.settings.execution_providers.filter((provider) => provider === executionProvider)
  return { ...spec, settings: { ...spec.settings, execution_providers } }
}
