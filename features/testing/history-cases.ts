import fc from 'fast-check'
import type { Fact } from '../engine/fact.ts'

/** What happened in one generated case, in the order in which the log delivers it. */
export type History = {
  /** The deliveries in order, with maintenance between them: `fold` and `expire` say how far the ingestion clock has come by then. */
  steps: ({ kind: 'facts'; facts: Fact[] } | { kind: 'maintain'; nowMs: number })[]
  anchors: { entityId: { sensor: string; site: string }; anchorMs: number }[]
}

const minuteMs = 60_000
export const baseMs = Date.UTC(2001, 5, 4, 12)

/** The times of events, which cluster around tile borders and repeat, because that is where executors differ. */
const timeMs = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -8, max: 8 }).map((step) => baseMs + step * 2.5 * minuteMs) },
  { weight: 4, arbitrary: fc.integer({ min: -30 * minuteMs, max: 30 * minuteMs }).map((offset) => baseMs + offset) },
  { weight: 2, arbitrary: fc.constantFrom(baseMs - 1, baseMs, baseMs + 1, baseMs + 5 * minuteMs, baseMs + 5 * minuteMs - 1) },
  { weight: 1, arbitrary: fc.constantFrom(Date.UTC(1950, 0, 1), Date.UTC(1969, 11, 31, 23, 59), -1, 0, Date.UTC(2250, 0, 1)) },
)
/** The anchors, of which most come after most events, or there would be little to see. */
const anchorMs = fc.tuple(timeMs, fc.constantFrom(0, 0, 5, 10, 20)).map(([time, minutes]) => time + minutes * minuteMs)

const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'zz', '\u{1F600}', '\uFF5E', 'it"s|odd\\']
const id = fc.constantFrom(...ids)
const level = fc.option(
  fc.oneof(
    fc.integer({ min: -20, max: 20 }),
    fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    fc.double({ min: 0, max: 1, noNaN: true }).map((part) => 1e9 + part),
  ),
  { nil: undefined, freq: 5 },
)
const mode = fc.option(fc.constantFrom('on', 'off', "it's", 'né\\'), { nil: undefined, freq: 2 })
const alarm = fc.option(fc.constantFrom(0, 1), { nil: undefined, freq: 2 })

const record = fc.record({
  id,
  sensor: fc.constantFrom('s1', 's2'),
  site: fc.constantFrom('x', 'y'),
  eventTimeMs: timeMs,
  knownDelayMs: fc.oneof(fc.constant(0), fc.integer({ min: -10 * minuteMs, max: 30 * minuteMs })),
  knownIsAbsolute: fc.option(timeMs, { nil: undefined, freq: 3 }),
  ingestedAtMs: fc.integer({ min: 0, max: 30 }).map((minute) => baseMs + minute * minuteMs),
  retracts: fc.option(id, { nil: undefined, freq: 4 }),
  level,
  mode,
  alarm,
  writer: fc.constantFrom('w1', 'w2'),
  maintain: fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined, freq: 6 }),
})

type Drawn = typeof record extends fc.Arbitrary<infer T> ? T : never

/** A log of some records: late, backdated, repeated, republished with another payload, withdrawn, out of order. */
export function historyCase(options: { maintained: boolean }): fc.Arbitrary<History> {
  const anchors = fc.array(fc.record({ sensor: fc.constantFrom('s1', 's2', 'never'), site: fc.constantFrom('x', 'y'), anchorMs }), {
    minLength: 1,
    maxLength: 6,
  })
  return fc.tuple(fc.array(record, { maxLength: 24, size: '+1' }), anchors).map(([drawn, at]) => ({
    steps: toSteps(drawn, options.maintained),
    anchors: at.map(({ sensor, site, anchorMs }) => ({ entityId: { sensor, site }, anchorMs })),
  }))
}

function toSteps(drawn: readonly Drawn[], maintained: boolean): History['steps'] {
  const seqs = new Map<string, number>()
  return drawn.flatMap((from): History['steps'] => {
    const seq = (seqs.get(from.writer) ?? 0) + 1
    seqs.set(from.writer, seq)
    const step = { kind: 'facts' as const, facts: [toFact(from, seq)] }
    return maintained && from.maintain !== undefined ? [step, { kind: 'maintain', nowMs: baseMs + from.maintain * minuteMs }] : [step]
  })
}

function toFact(from: Drawn, seq: number): Fact {
  const { level: drawnLevel, mode: drawnMode, alarm: drawnAlarm } = from
  return {
    tenant: 'default',
    source: 'reading',
    id: from.id,
    keys: { sensor: from.sensor, site: from.site },
    values: {
      ...(drawnLevel === undefined ? {} : { level: drawnLevel }),
      ...(drawnMode === undefined ? {} : { mode: drawnMode }),
      ...(drawnAlarm === undefined ? {} : { alarm: drawnAlarm }),
    },
    eventTimeMs: from.eventTimeMs,
    knownAtMs: from.knownIsAbsolute ?? from.eventTimeMs + from.knownDelayMs,
    ingestedAtMs: from.ingestedAtMs,
    ...(from.retracts === undefined ? {} : { retracts: from.retracts }),
    writerId: from.writer,
    epoch: 1,
    seq,
  }
}

export function factsOf(history: History): Fact[] {
  return history.steps.flatMap((step) => (step.kind === 'facts' ? step.facts : []))
}
