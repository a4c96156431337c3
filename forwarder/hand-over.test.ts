import { describe, expect, test } from 'vitest'
import type { Origin } from '../contracts/origin.ts'
import { createHandOver, type HandOverSettings } from './hand-over.ts'

const settings: HandOverSettings = {
  publishWindow: 4,
  creditBytes: 500,
  shareBytes: 1_000,
  republishAfterMs: 1_000,
  republishAtMostMs: 4_000,
}

function open(options: Partial<HandOverSettings> = {}) {
  const clock = { now: 0 }
  const waiting = new Set<number>()
  const handOver = createHandOver({
    settings: { ...settings, ...options },
    now: () => clock.now,
    waitsInStream: (seq) => waiting.has(seq),
  })
  return { handOver, clock, waiting }
}

const at = (seq: number, epoch = 1): Origin => ({ writer_id: 'w', epoch, lane: 'predictions', seq })
const range = (first: number, last: number, epoch = 1) => ({
  writer_id: 'w',
  epoch,
  lane: 'predictions' as const,
  first_seq: first,
  last_seq: last,
})

describe('room for new records', () => {
  test('is a window of publishes whose ack is awaited', () => {
    const { handOver } = open()
    const sent = [1, 2, 3, 4].map((seq) => handOver.send(at(seq), 10))
    expect(handOver.room().records).toBe(0)
    handOver.count(sent[0]!, 1)
    expect(handOver.room().records).toBe(1)
    handOver.refuse(sent[1]!)
    expect(handOver.room().records).toBe(2)
  })

  test('ends with the bytes sent since the oldest unconfirmed record, confirmed ones between included', () => {
    const { handOver } = open({ publishWindow: 100 })
    for (let seq = 1; seq <= 5; seq += 1) handOver.count(handOver.send(at(seq), 100), seq)
    expect(handOver.room()).toEqual({ records: 0, bytes: 0 })
    handOver.confirm(range(2, 5))
    expect(handOver.room(), 'the first is still relied on').toEqual({ records: 0, bytes: 0 })
    handOver.confirm(range(1, 1))
    expect(handOver.room()).toEqual({ records: 100, bytes: 500 })
  })
})

describe('sending again', () => {
  test('what is refused: after a pause, as another attempt', () => {
    const { handOver, clock } = open()
    const first = handOver.send(at(1), 10)
    handOver.refuse(first)
    expect(handOver.due()).toEqual([])
    clock.now = 250
    const [due] = handOver.due()
    expect(handOver.resend(due!)).toMatchObject({ origin: at(1), attempt: 2 })
    expect(handOver.due()).toEqual([])
  })

  test('what is counted and unconfirmed: after the interval, which doubles up to its bound', () => {
    const { handOver, clock } = open()
    let sending = handOver.send(at(1), 10)
    for (const intervalMs of [1_000, 2_000, 4_000, 4_000]) {
      handOver.count(sending, 1)
      clock.now += intervalMs - 200
      expect(handOver.due()).toEqual([])
      clock.now += 200
      const [due] = handOver.due()
      sending = handOver.resend(due!)
    }
    expect(sending.attempt).toBe(5)
  })

  test('not while it waits in the stream for the logger, and at once when it no longer does', () => {
    const { handOver, clock, waiting } = open()
    handOver.count(handOver.send(at(1), 10), 7)
    waiting.add(7)
    clock.now = 5_000
    expect(handOver.due()).toEqual([])
    waiting.delete(7)
    clock.now = 5_100
    expect(handOver.due()).toHaveLength(1)
  })

  test('not where it would push out of the stream what is relied on', () => {
    const { handOver, clock } = open({ publishWindow: 100, creditBytes: 10_000 })
    const sent = [1, 2, 3].map((seq) => handOver.send(at(seq), 400))
    handOver.count(sent[0]!, 1)
    handOver.refuse(sent[1]!)
    handOver.count(sent[2]!, 3)
    clock.now = 500
    expect(handOver.due()).toEqual([])
    handOver.confirm(range(1, 1))
    expect(handOver.due().map(({ origin }) => origin.seq)).toEqual([2])
  })

  test('an ack of an older attempt counts for nothing', () => {
    const { handOver, clock } = open()
    const first = handOver.send(at(1), 10)
    handOver.refuse(first)
    clock.now = 250
    const second = handOver.resend(handOver.due()[0]!)
    handOver.count(first, 1)
    expect(handOver.state().underWay).toBe(1)
    handOver.count(second, 2)
    expect(handOver.state().underWay).toBe(0)
  })
})

describe('a confirmation', () => {
  test('says what it confirmed, once, and only of the same writer, epoch and lane', () => {
    const { handOver } = open({ publishWindow: 100 })
    for (let seq = 1; seq <= 3; seq += 1) handOver.count(handOver.send(at(seq), 10), seq)
    handOver.send(at(1, 2), 10)
    expect(handOver.confirm({ ...range(1, 3), writer_id: 'other' })).toEqual([])
    expect(handOver.confirm({ ...range(1, 3), lane: 'labels' })).toEqual([])
    expect(handOver.confirm(range(2, 3)).map(({ seq }) => seq)).toEqual([2, 3])
    expect(handOver.confirm(range(1, 1_000_000)).map(({ seq }) => seq)).toEqual([1])
    expect(handOver.confirm(range(1, 3))).toEqual([])
    expect(handOver.state()).toMatchObject({ unconfirmed: 1 })
  })

  test('before the ack ends the wait for it', () => {
    const { handOver } = open()
    const sending = handOver.send(at(1), 10)
    expect(handOver.confirm(range(1, 1))).toHaveLength(1)
    expect(handOver.state()).toEqual({ underWay: 0, unconfirmed: 0, spanBytes: 0 })
    handOver.count(sending, 1)
    handOver.refuse(sending)
    expect(handOver.state()).toEqual({ underWay: 0, unconfirmed: 0, spanBytes: 0 })
  })
})
