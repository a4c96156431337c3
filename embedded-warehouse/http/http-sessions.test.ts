import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createHttpSessions } from './http-sessions.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

type TestSlot = { name: string; closed: boolean; holds: boolean; holdsState(): boolean; close(): void }

function createSubject(maxSessions = 2) {
  const opened: TestSlot[] = []
  const sessions = createHttpSessions<TestSlot>({
    maxSessions,
    open() {
      const own: TestSlot = {
        name: String(opened.length),
        closed: false,
        holds: false,
        holdsState: () => own.holds,
        close: () => (own.closed = true),
      }
      opened.push(own)
      return own
    },
  })
  const ask = (id: string, options: { holds?: boolean; timeoutMs?: number; check?: boolean; close?: boolean } = {}) =>
    sessions.use({ id, timeoutMs: 1_000, check: false, close: false, ...options }, async (own) => {
      own.holds ||= options.holds === true
      return own.name
    })
  return { sessions, opened, ask }
}

describe('a session', () => {
  test('is the same for the same id, until it has idled for its timeout', async () => {
    const { ask, opened } = createSubject()
    expect([await ask('a'), await ask('b'), await ask('a')]).toEqual(['0', '1', '0'])
    await vi.advanceTimersByTimeAsync(999)
    expect(await ask('a')).toBe('0')
    await vi.advanceTimersByTimeAsync(999)
    expect(opened.map((own) => own.closed)).toEqual([false, true])
    await vi.advanceTimersByTimeAsync(1)
    await expect(ask('a', { check: true })).rejects.toMatchObject({ type: 'SESSION_NOT_FOUND' })
  })

  test('does not end while a query runs, and takes no second one', async () => {
    const { sessions, ask, opened } = createSubject()
    let finish = () => {}
    const running = sessions.use({ id: 'a', timeoutMs: 1, check: false, close: false }, () => new Promise<void>((done) => (finish = done)))
    await vi.advanceTimersByTimeAsync(1_000)
    await expect(ask('a')).rejects.toMatchObject({ code: 373, type: 'SESSION_IS_LOCKED' })
    expect(opened[0]?.closed).toBe(false)
    finish()
    await running
    expect(await ask('a')).toBe('0')
  })

  test('is free again after a query that fails, and gone after one that closes it', async () => {
    const { sessions, ask, opened } = createSubject()
    const request = { id: 'a', timeoutMs: 1_000, check: false, close: false }
    await expect(sessions.use(request, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await ask('a', { close: true })).toBe('0')
    expect(opened[0]?.closed).toBe(true)
    expect(await ask('a')).toBe('1')
  })
})

describe('when there are as many as may be', () => {
  test('the longest unused that holds nothing makes room', async () => {
    const { ask, opened } = createSubject()
    await ask('a', { holds: true })
    await ask('b')
    await ask('c')
    expect(opened.map((own) => own.closed)).toEqual([false, true, false])
    expect(await ask('a', { check: true })).toBe('0')
  })

  test('one more is refused when all hold something', async () => {
    const { ask } = createSubject()
    await ask('a', { holds: true })
    await ask('b', { holds: true })
    await expect(ask('c')).rejects.toMatchObject({ type: 'TOO_MANY_SIMULTANEOUS_QUERIES' })
    expect(await ask('b')).toBe('1')
  })
})
