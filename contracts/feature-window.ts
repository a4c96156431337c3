import { z } from 'zod'

const minute = 60
const hour = 60 * minute
const day = 24 * hour

/** The most tiles that one read of a window may have to put together. */
const maxTiles = 10_000

/** At the anchor t the window holds the events with an event time in `[floor(t - width, hop), t)`. */
export const featureWindow = z.object({
  window_seconds: z.int().positive().describe('The width that the window has at least.'),
  hop_seconds: z.int().positive().describe('Its start is a multiple of it since the UTC epoch, so that it is wider by up to a hop.'),
  interval: z.string().describe('Both in words: the interval of event times, from, inclusive, to the anchor time t, exclusive.'),
})
export type FeatureWindow = z.infer<typeof featureWindow>

/**
 * The hop of a window by its width, in seconds: 5 min up to 12 h, 1 h up to 12 days, else 1 day. Under 50 min, where
 * 5 min would be over a tenth of the window, 1 min, and in turn 10 s under 10 min and 1 s under 100 s.
 */
export function defaultHopSeconds(windowSeconds: number): number {
  if (windowSeconds < 100) return 1
  if (windowSeconds < 10 * minute) return 10
  if (windowSeconds < 50 * minute) return minute
  if (windowSeconds <= 12 * hour) return 5 * minute
  return windowSeconds <= 12 * day ? hour : day
}

type HopOfView = { hop_seconds?: number | undefined }
type FeatureHop = { window_seconds?: number | undefined; hop_seconds?: number | undefined; allow_coarse?: boolean | undefined }

/** The window of a view's feature, by its own hop, else the view's, else the default. Undefined: all of time. */
export function windowOf(
  view: HopOfView,
  { window_seconds, hop_seconds: own }: Omit<FeatureHop, 'allow_coarse'>,
): FeatureWindow | undefined {
  if (window_seconds === undefined) return undefined
  const hop_seconds = own ?? view.hop_seconds ?? defaultHopSeconds(window_seconds)
  return { window_seconds, hop_seconds, interval: `[floor(t - ${toDuration(window_seconds)}, ${toDuration(hop_seconds)}), t)` }
}

const units = [
  ['d', day],
  ['h', hour],
  ['min', minute],
] as const

/** The duration as text, in the largest unit that it is a multiple of. */
function toDuration(seconds: number): string {
  const [unit, size] = units.find((candidate) => seconds % candidate[1] === 0) ?? ['s', 1]
  return `${seconds / size} ${unit}`
}

export type HopFault = { field: 'hop_seconds' | 'allow_coarse'; message: string }

/** The faults of a feature's hop: it has no window to divide, is too fine to read, or is too coarse without `allow_coarse`. */
export function hopFaults(view: HopOfView, feature: FeatureHop): HopFault[] {
  const window = windowOf(view, feature)
  if (window === undefined)
    return (['hop_seconds', 'allow_coarse'] as const)
      .filter((field) => feature[field] !== undefined)
      .map((field) => ({ field, message: 'is about a window, and the feature has none' }))
  const { window_seconds: width, hop_seconds: hop, interval } = window
  if (width > maxTiles * hop)
    return [{ field: 'hop_seconds', message: `the window of ${width} s has over ${maxTiles} hops of ${hop} s: too many to read` }]
  if (feature.allow_coarse === true || 10 * hop <= width) return []
  const message = `the hop of ${hop} s is over a tenth of the window, so that ${interval} holds up to ${width + hop} s and not ${width} s; state hop_seconds: ${Math.max(1, Math.floor(width / 10))} or less, or allow_coarse: true`
  return [{ field: 'hop_seconds', message }]
}
