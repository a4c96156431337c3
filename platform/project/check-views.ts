import { takes } from '../../contracts/aggregations.ts'
import type { EventSourceDefinition } from '../../contracts/event-source.ts'
import type { FeatureViewDefinition, ViewFeature } from '../../contracts/feature-view.ts'
import { type CheckedKind, reportUnknown } from './broken-definitions.ts'
import type { Report } from './problems.ts'
import { knownNames } from '../text/known-names.ts'
import { ownEntry } from './own-entry.ts'

/** Whether the view's source, key, entity and aggregated values exist and fit. Reports every fault but a source that is broken. */
export function checkView(view: FeatureViewDefinition, sources: CheckedKind<EventSourceDefinition>, report: Report): boolean {
  const source = sources.known.get(view.source)
  if (source === undefined) {
    reportUnknown(report, ['source'], view.source, { kind: 'sources', ...sources })
    return false
  }
  const keyFits = checkKey(view, source, report)
  return view.features.map((feature, index) => checkViewFeature({ feature, index, source, report })).every(Boolean) && keyFits
}

function checkKey(view: FeatureViewDefinition, source: EventSourceDefinition, report: Report): boolean {
  const key = ownEntry(source.keys, view.key)
  if (key === undefined) {
    report(['key'], `source "${source.name}" has no key "${view.key}"`, knownNames(view.key, Object.keys(source.keys)))
    return false
  }
  if (key.entity === view.entity) return true
  report(['entity'], `key "${view.key}" of source "${source.name}" names the entity "${key.entity}", not "${view.entity}"`)
  return false
}

type ViewFeatureAt = { feature: ViewFeature; index: number; source: EventSourceDefinition; report: Report }

function checkViewFeature({ feature, index, source, report }: ViewFeatureAt): boolean {
  const path = ['features', index] as const
  if (feature.value === undefined) return true
  const value = ownEntry(source.values, feature.value)
  if (value === undefined) {
    report(
      [...path, 'value'],
      `source "${source.name}" has no value "${feature.value}"`,
      knownNames(feature.value, Object.keys(source.values)),
    )
    return false
  }
  if (takes(feature.aggregation, value.type)) return true
  report([...path, 'aggregation'], `${feature.aggregation} needs a number, and "${feature.value}" is ${value.type}`)
  return false
}
