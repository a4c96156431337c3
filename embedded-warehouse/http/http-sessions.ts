import { EngineError } from '../engine/engine-error.ts'
import type { SessionRequest } from './http-request.ts'

/** What a session holds, and whether anything would be lost with it. */
export type SessionSlot = { holdsState(): boolean; close(): void }

/** Sessions of ClickHouse's HTTP interface: by the client's own id, for one query at a time, until they have idled too long. */
export type HttpSessions<Kept extends SessionSlot> = {
  /** Throws SESSION_IS_LOCKED, SESSION_NOT_FOUND, or TOO_MANY_SIMULTANEOUS_QUERIES when there are too many that hold something. */
  use<T>(request: SessionRequest, run: (kept: Kept) => Promise<T>): Promise<T>
  close(): void
}

type HttpSession<Kept> = { kept: Kept; busy: boolean; idle?: NodeJS.Timeout | undefined }

/**
 * Drivers give each connection a session, and most never put anything into it: such a one makes room for others when there are
 * `maxSessions`, and only those that hold settings or tables count against a client.
 */
export function createHttpSessions<Kept extends SessionSlot>({
  open,
  maxSessions,
}: {
  open: () => Kept
  maxSessions: number
}): HttpSessions<Kept> {
  /** The sessions by their ids, the longest unused first. */
  const sessions = new Map<string, HttpSession<Kept>>()

  function drop(id: string, entry: HttpSession<Kept>): void {
    clearTimeout(entry.idle)
    sessions.delete(id)
    entry.kept.close()
  }

  function makeRoom(): void {
    if (sessions.size < maxSessions) return
    const empty = [...sessions].find(([, entry]) => !entry.busy && !entry.kept.holdsState())
    if (empty === undefined)
      throw new EngineError(
        202,
        'TOO_MANY_SIMULTANEOUS_QUERIES',
        `Too many sessions: ${maxSessions} are open. End one with close_session=1, or give them a shorter session_timeout`,
      )
    drop(...empty)
  }

  function acquire({ id, check }: SessionRequest): HttpSession<Kept> {
    const known = sessions.get(id)
    if (known?.busy === true) throw new EngineError(373, 'SESSION_IS_LOCKED', `Session ${id} is locked by a concurrent client`)
    if (known === undefined && check) throw new EngineError(372, 'SESSION_NOT_FOUND', `Session ${id} not found`)
    if (known === undefined) makeRoom()
    const entry = known ?? { kept: open(), busy: false }
    clearTimeout(entry.idle)
    entry.busy = true
    sessions.delete(id)
    sessions.set(id, entry)
    return entry
  }

  return {
    async use(request, run) {
      const entry = acquire(request)
      try {
        return await run(entry.kept)
      } finally {
        entry.busy = false
        if (request.close) drop(request.id, entry)
        else entry.idle = setTimeout(() => drop(request.id, entry), request.timeoutMs).unref()
      }
    },
    close() {
      for (const [id, entry] of sessions) drop(id, entry)
    },
  }
}
