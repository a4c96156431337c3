import { expect, test } from 'vitest'
import { toUtcMs } from './local-time.ts'

test.each([
  // The clock of New York goes from 01:59 to 03:00 on 2001-04-01, and from 01:59 back to 01:00 on 2001-10-28.
  ['America/New_York', '2001-04-01T01:59', '2001-04-01T06:59Z'],
  ['America/New_York', '2001-04-01T02:00', '2001-04-01T07:00Z'],
  ['America/New_York', '2001-04-01T02:30', '2001-04-01T07:30Z'],
  ['America/New_York', '2001-04-01T03:00', '2001-04-01T07:00Z'],
  ['America/New_York', '2001-10-28T00:59', '2001-10-28T04:59Z'],
  ['America/New_York', '2001-10-28T01:30', '2001-10-28T05:30Z'],
  ['America/New_York', '2001-10-28T02:00', '2001-10-28T07:00Z'],
  ['America/Phoenix', '2001-04-01T02:30', '2001-04-01T09:30Z'],
  ['Pacific/Honolulu', '2001-06-04T23:59', '2001-06-05T09:59Z'],
])('%s: %s is %s', (zone, local, utc) => {
  expect(toUtcMs(zone, Date.parse(`${local}Z`))).toBe(Date.parse(utc))
})
