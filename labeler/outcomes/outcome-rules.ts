import { canonicalHash } from '../../contracts/canonical-json.ts'
import type { LabelDefinition } from '../../contracts/label-definition.ts'
import type { Definitions } from './definitions.ts'

/** What outcome resolution needs of one label definition. */
export type LabelRule = {
  label: string
  /** The hash of the definition. */
  definitionSha256: string
  /** The label counts for anchor times in [event_time - windowMs, event_time); where it is 0, for its anchor time alone. */
  windowMs: number
  which: LabelDefinition['which']
  maturityMs: number
  silence: LabelDefinition['silence']
}

/** Everything that turns the ledger into outcomes, apart from the ledger. */
export type OutcomeRules = {
  labels: readonly LabelRule[]
  /** Model name to its primary label; every decision of the model has an outcome of that label. */
  primaryLabels: ReadonlyMap<string, string>
}

export function outcomeRulesOf(project: Definitions): OutcomeRules {
  return {
    labels: [...project.labels.values()].map(toLabelRule).toSorted((a, b) => (a.label < b.label ? -1 : 1)),
    primaryLabels: new Map(
      [...project.models.values()]
        .filter((model) => project.labels.has(model.definition.primary_label))
        .map((model) => [model.definition.name, model.definition.primary_label] as const)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ),
  }
}

export function toLabelRule(definition: LabelDefinition): LabelRule {
  return {
    label: definition.name,
    definitionSha256: canonicalHash(definition),
    windowMs: definition.match.kind === 'window' ? definition.match.window_seconds * 1000 : 0,
    which: definition.which,
    maturityMs: definition.maturity_seconds * 1000,
    silence: definition.silence,
  }
}
