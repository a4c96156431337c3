import { setImmediate as nextLoop } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Deadlines } from '../bounds/deadlines.ts'
import { createTurns } from './turns.ts'

function start() {
  let nowMs = 1000
  const expiries = new Set<() => void>()
  const deadlines: Deadlines = {
    at(_tickMs, expire) {
      expiries.add(expire)
      return { slot: 0, expire }
    },
    clear: ({ expire }) => void expiries.delete(expire!),
  }
  let begun = 0
  const turns = createTurns({ turn: () => void (begun += 1), tick: () => nowMs, deadlines })
  return {
    turns,
    expiries,
    begun: () => begun,
    pass: (ms: number) => void (nowMs += ms),
    expire: () => {
      for (const expire of expiries) expire()
    },
  }
}

function openRead() {
  let settle: { resolve: () => void; reject: (error: Error) => void } | undefined
  const promise = new Promise<void>((resolve, reject) => (settle = { resolve, reject }))
  return { promise, ...settle! }
}

describe('a turn', () => {
  it('begins after the turn of the event loop, once for all that arrived in it', async () => {
    const { turns, begun } = start()
    turns.arrived()
    turns.arrived()
    expect(begun()).toBe(0)
    await nextLoop()
    expect(begun()).toBe(1)
  })

  it.each(['resolves', 'rejects'])('waits for the read that is under way, until it %s', async (how) => {
    const { turns, begun, expiries } = start()
    const read = openRead()
    turns.reading(read.promise)
    turns.arrived()
    turns.arrived()
    await nextLoop()
    expect([begun(), expiries.size]).toEqual([0, 1])
    if (how === 'resolves') read.resolve()
    else read.reject(new Error('the store is gone'))
    await nextLoop()
    await nextLoop()
    expect([begun(), expiries.size]).toEqual([1, 0])
  })

  it('does not begin where a read is over and nothing has arrived', async () => {
    const { turns, begun } = start()
    const read = openRead()
    turns.reading(read.promise)
    read.resolve()
    await nextLoop()
    await nextLoop()
    expect(begun()).toBe(0)
  })

  it('does not wait for a read that takes long, whether something else arrives or not', async () => {
    const { turns, begun, pass, expire } = start()
    turns.reading(openRead().promise)
    turns.arrived()
    pass(1)
    expire()
    await nextLoop()
    expect(begun()).toBe(1)
    turns.arrived()
    await nextLoop()
    expect(begun()).toBe(2)
  })

  it('waits for the newest of several reads', async () => {
    const { turns, begun, pass } = start()
    const [old, young] = [openRead(), openRead()]
    turns.reading(old.promise)
    pass(1)
    turns.reading(young.promise)
    turns.arrived()
    old.resolve()
    await nextLoop()
    await nextLoop()
    expect(begun()).toBe(0)
    young.resolve()
    await nextLoop()
    await nextLoop()
    expect(begun()).toBe(1)
  })
})
