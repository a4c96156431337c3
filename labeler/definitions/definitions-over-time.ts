import { ServiceError } from '../../contracts/errors.ts'
import { labelDefinition } from '../../contracts/label-definition.ts'
import { modelDefinition } from '../../contracts/model-definition.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import { toLabelRule } from '../outcomes/outcome-rules.ts'
import type { InForce, SqlRules } from '../outcomes/sql-rules.ts'
import type { DefinitionRow } from './definition-rows.ts'
import type { Definitions } from '../outcomes/definitions.ts'

/** The rules of every time, from all recorded definitions, oldest first. */
export function rulesOverTime(rows: readonly DefinitionRow[]): SqlRules {
  const bounded = withEnds(rows)
  const labels = bounded.flatMap(({ row, inForce }) =>
    row.kind === 'label' && row.definition !== undefined ? [{ ...toLabelRule(labelDefinition.parse(row.definition)), ...inForce }] : [],
  )
  const primaries = bounded.flatMap(({ row, inForce }) =>
    row.kind === 'model' && row.definition !== undefined
      ? [{ model: row.name, label: modelDefinition.parse(row.definition).primary_label, ...inForce }]
      : [],
  )
  return { labels, primaries }
}

/** The definitions in force at a time. Throws `no_definition_then` where the model, or its primary label, had none. */
export function definitionsAt(rows: readonly DefinitionRow[], { model, atMs }: { model: string; atMs: number }): Definitions {
  const then = new Map(rows.filter(({ fromMs }) => fromMs === undefined || fromMs <= atMs).map((row) => [`${row.kind} ${row.name}`, row]))
  const parse = <T>(kind: DefinitionRow['kind'], schema: { parse(value: unknown): T }): T[] =>
    [...then.values()].flatMap((row) => (row.kind === kind && row.definition !== undefined ? [schema.parse(row.definition)] : []))
  const labels = new Map(parse('label', labelDefinition).map((label) => [label.name, label]))
  const models = new Map(parse('model', modelDefinition).map((definition) => [definition.name, { definition }]))
  const primary = models.get(model)?.definition.primary_label
  if (primary === undefined) throw noDefinition(`model ${model}`, atMs)
  if (!labels.has(primary)) throw noDefinition(`label ${primary}`, atMs)
  return { labels, models }
}

function noDefinition(what: string, atMs: number): ServiceError {
  return new ServiceError('no_definition_then', `no definition of ${what} was in force at ${toTimestamp(atMs)}`, {
    hint: '--known-as-of tells by the newest definitions what is known today about that time',
  })
}

/** Each row with the time from which it was in force, and until the next of its kind and name. */
function withEnds(rows: readonly DefinitionRow[]): { row: DefinitionRow; inForce: InForce }[] {
  return rows.map((row, index) => {
    const next = rows.slice(index + 1).find(({ kind, name }) => kind === row.kind && name === row.name)
    return {
      row,
      inForce: { ...(row.fromMs !== undefined && { fromMs: row.fromMs }), ...(next?.fromMs !== undefined && { untilMs: next.fromMs }) },
    }
  })
}
