/**
 * One feature at one anchor. `eventTimeMs` is the event time of the newest event in the value; an empty count or
 * sum is ok and has none. `anchor_too_old`: what the anchor needs was folded or removed. `not_ready`: the view has
 * not been loaded into the online store. `not_finite`: the aggregate overflowed.
 */
export type FeatureValue =
  | { status: 'ok'; value: number | string; eventTimeMs?: number }
  | { status: 'missing'; reason: 'no_events' | 'anchor_too_old' | 'not_ready' | 'not_finite' }
