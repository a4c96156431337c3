import { describe, expect, it } from 'vitest'
import { featureViewDefinition } from './feature-view.ts'
import { defaultHopSeconds, windowOf } from './feature-window.ts'

const minute = 60
const hour = 60 * minute
const day = 24 * hour

it.each([
  [10, 1],
  [99, 1],
  [100, 10],
  [10 * minute, minute],
  [49 * minute, minute],
  [50 * minute, 5 * minute],
  [hour, 5 * minute],
  [12 * hour, 5 * minute],
  [12 * hour + 1, hour],
  [12 * day, hour],
  [12 * day + 1, day],
  [30 * day, day],
  [366 * day, day],
])('a window of %d s has a hop of %d s by default, which is at most a tenth of it', (width, hop) => {
  expect(defaultHopSeconds(width)).toBe(hop)
  expect(10 * hop).toBeLessThanOrEqual(width)
})

it("a feature's own hop stands before the view's, and the view's before the default", () => {
  const hopOf = (view: { hop_seconds?: number }, hop_seconds?: number) => windowOf(view, { window_seconds: day, hop_seconds })?.hop_seconds
  expect([hopOf({}), hopOf({ hop_seconds: 600 }), hopOf({ hop_seconds: 600 }, 60)]).toEqual([hour, 600, 60])
})

it('is said in the largest units that it is a multiple of', () => {
  const intervalOf = (window_seconds: number, hop_seconds?: number) => windowOf({}, { window_seconds, hop_seconds })?.interval
  expect(intervalOf(hour)).toBe('[floor(t - 1 h, 5 min), t)')
  expect(intervalOf(30 * day)).toBe('[floor(t - 30 d, 1 d), t)')
  expect(intervalOf(90 * minute, 7)).toBe('[floor(t - 90 min, 7 s), t)')
})

describe('a hop that makes the window another one is refused', () => {
  const check = (feature: object, view: object = {}) =>
    featureViewDefinition
      .safeParse({
        name: 'v',
        description: 'v',
        owner: 'o',
        source: 's',
        key: 'k',
        entity: 'e',
        features: [{ name: 'f', aggregation: 'count', ...feature }],
        ...view,
      })
      .error?.issues.map(({ path, message }) => [path.join('.'), message])

  const hop = 'features.0.hop_seconds'

  it.each<[string, object, object, string, string]>([
    ['stated', { window_seconds: hour, hop_seconds: 361 }, {}, hop, 'state hop_seconds: 360 or less, or allow_coarse: true'],
    ['as wide as the window', { window_seconds: hour, hop_seconds: hour }, {}, hop, 'holds up to 7200 s and not 3600 s'],
    ['wider than the window', { window_seconds: hour, hop_seconds: day }, {}, hop, 'holds up to 90000 s'],
    ["the view's", { window_seconds: hour }, { hop_seconds: hour }, hop, 'over a tenth'],
    ['the default of a very narrow window', { window_seconds: 9 }, {}, hop, 'over a tenth'],
    ['not allowed after all', { window_seconds: hour, hop_seconds: hour, allow_coarse: false }, {}, hop, 'over a tenth'],
    ['too fine to read', { window_seconds: 30 * day, hop_seconds: minute }, {}, hop, 'too many to read'],
    ['about no window', { aggregation: 'last', value: 'x', hop_seconds: 60 }, {}, hop, 'has none'],
    ['allowed for no window', { aggregation: 'last', value: 'x', allow_coarse: true }, {}, 'features.0.allow_coarse', 'has none'],
  ])('%s', (_, feature, view, path, message) => {
    expect(check(feature, view)).toEqual([[path, expect.stringContaining(message)]])
  })

  it.each<[string, object, object]>([
    ['of a tenth', { window_seconds: hour, hop_seconds: 360 }, {}],
    ['coarse and allowed', { window_seconds: hour, hop_seconds: day, allow_coarse: true }, {}],
    ["the view's, where the feature states a finer one", { window_seconds: hour, hop_seconds: minute }, { hop_seconds: day }],
    ['of 5 min for 30 days', { window_seconds: 30 * day }, { hop_seconds: 5 * minute }],
    ["the view's, which a value of all time has no use for", { aggregation: 'last', value: 'x' }, { hop_seconds: day }],
  ])('and taken: %s', (_, feature, view) => {
    expect(check(feature, view)).toBeUndefined()
  })
})
