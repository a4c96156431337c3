import type { ModelDefinition } from '../../contracts/model-definition.ts'
import { timeZoneLookup } from './derivation-inputs.ts'
import type { Report } from './problems.ts'
import { knownNames } from '../text/known-names.ts'

/**
 * Names of definitions whose file is there and does not hold, by what they are. The file's own problem says so once;
 * a reference to one is no problem of its own, and what refers to it is left out.
 */
export type BrokenDefinitions = Readonly<Record<'sources' | 'views' | 'labels' | 'lookups', ReadonlySet<string>>>

/** The definitions of one kind that hold, by name, and the names of those that are broken. */
export type CheckedKind<T = unknown> = { known: ReadonlyMap<string, T>; broken: ReadonlySet<string> }

const nouns = { sources: 'source', views: 'feature view', labels: 'label', lookups: 'lookup' } as const

/** Reports a reference to a definition that has no file. */
export function reportUnknown(
  report: Report,
  path: readonly (string | number)[],
  name: string,
  { kind, known, broken }: CheckedKind & { kind: keyof BrokenDefinitions },
): void {
  if (!broken.has(name)) report(path, `there is no ${nouns[kind]} "${name}"`, knownNames(name, [...known.keys(), ...broken]))
}

/** Whether the model refers to a broken definition. */
export function refersToBroken(model: ModelDefinition, broken: BrokenDefinitions): boolean {
  if (broken.labels.has(model.primary_label)) return true
  return model.features.some((feature) => {
    if (feature.source === 'online') return broken.views.has(feature.view)
    const lookup = feature.source === 'derived' ? timeZoneLookup(feature.derive) : undefined
    return lookup !== undefined && broken.lookups.has(lookup.lookup)
  })
}
