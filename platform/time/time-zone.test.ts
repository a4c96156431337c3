import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { localHour, localWeekday, offsetMs } from './time-zone.ts'

const at = (time: string) => Date.parse(time)
const minuteMs = 60_000

describe('local time', () => {
  // Daylight saving began in the United States on 2001-04-01 at 02:00 and ended on 2001-10-28 at 02:00.
  test.each([
    ['America/New_York', '2001-04-01T06:59:59.999Z', 1, 7],
    ['America/New_York', '2001-04-01T07:00:00.000Z', 3, 7],
    ['America/New_York', '2001-10-28T05:59:59.999Z', 1, 7],
    ['America/New_York', '2001-10-28T06:00:00.000Z', 1, 7],
    ['America/New_York', '2001-10-28T07:00:00.000Z', 2, 7],
    ['America/Phoenix', '2001-04-01T09:30:00.000Z', 2, 7],
    ['Pacific/Honolulu', '2001-06-04T09:59:00.000Z', 23, 7],
    ['Pacific/Honolulu', '2001-06-04T10:00:00.000Z', 0, 1],
    ['Asia/Kolkata', '2001-06-04T18:29:59.000Z', 23, 1],
    ['Asia/Kolkata', '2001-06-04T18:30:00.000Z', 0, 2],
    ['UTC', '1969-12-31T23:59:59.999Z', 23, 3],
  ])('%s at %s', (zone, time, hour, weekday) => {
    expect([localHour(zone, at(time)), localWeekday(zone, at(time))]).toEqual([hour, weekday])
  })

  test('changes within an hour where the clock does', () => {
    // Lord Howe's moves by half an hour, at 02:00 local: 15:30 UTC of the day before.
    const offsets = ['2001-10-27T15:29:59Z', '2001-10-27T15:30:00Z'].map((time) => offsetMs('Australia/Lord_Howe', at(time)) / minuteMs)
    expect(offsets).toEqual([630, 660])
  })

  test('agrees with Intl at any minute, however it is asked', () => {
    const zones = ['America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Africa/Casablanca', 'Pacific/Apia', 'America/St_Johns']
    const formats = new Map(
      zones.map((timeZone) => [
        timeZone,
        new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium', calendar: 'gregory' }),
      ]),
    )
    const minutes = fc.integer({ min: at('1970-01-01T00:00:00Z') / minuteMs, max: at('2037-01-01T00:00:00Z') / minuteMs })
    fc.assert(
      fc.property(fc.constantFrom(...zones), minutes, (zone, minute) => {
        const timeMs = minute * minuteMs
        const local = new Date(timeMs + offsetMs(zone, timeMs)).toISOString().slice(0, 19).replace('T', ' ')
        expect(local).toBe(formats.get(zone)!.format(timeMs))
      }),
      { numRuns: 2000 },
    )
  })

  test('a name that is no time zone', () => {
    expect(() => offsetMs('Mars/Olympus', 0)).toThrow(RangeError)
  })
})
