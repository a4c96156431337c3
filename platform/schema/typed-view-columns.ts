import { ServiceError } from '../../contracts/errors.ts'
import type { ModelFeature } from '../../contracts/model-definition.ts'
import { featureType } from '../project/feature-types.ts'
import type { Project, ProjectModel } from '../project/project.ts'
import { quoteName, quoteString } from './sql-text.ts'

export type ViewColumn = { name: string; type: string; comment: string; expression: string }

/** A column of `gold.predictions`, as the warehouse describes it. */
export type BaseColumn = { name: string; type: string; comment: string }

const baseNames = new Set([
  'prediction_id',
  'decision_id',
  'tenant',
  'request_id',
  'index',
  'trigger',
  'tags',
  'model_version',
  'deployment_revision',
  'route',
  'route_probability',
  'anchor',
  'anchor_time',
  'status',
  'decision_value',
  'decision_threshold',
  'fallback',
  'error_code',
  'fate',
  'unanswered_reason',
  'attempts',
  'request_id_reused',
  'ingested_at',
  'predicted_at',
])

/**
 * Columns that a view has for features, and for outputs. The engine makes views of 2,000, and none of 4,096, but takes
 * seconds to read one row of all of a thousand.
 */
const mostColumns = 500

/**
 * The columns of a model's typed view: identity and outcome, then one per output, feature and entity role. Of a model with
 * more than 500 features, or outputs, they stand in their map, as `features_number['f17']`. A name that is taken by an
 * earlier one gets its kind as prefix, as `entity_origin` where a feature is named origin.
 */
export function typedViewColumns(options: { project: Project; model: ProjectModel; base: readonly BaseColumn[] }): ViewColumn[] {
  const { project, model, base } = options
  const { outputs, entities } = model.definition
  const maps = [
    ...(model.features.size > mostColumns ? ['features_number', 'features_text'] : []),
    ...(Object.keys(outputs).length > mostColumns ? ['outputs_number', 'outputs_text'] : []),
  ]
  const kept = base.filter(({ name }) => baseNames.has(name) || name.startsWith('outcome') || maps.includes(name))
  const columns: ViewColumn[] = kept.map((column) => ({ ...column, expression: quoteName(column.name) }))
  const taken = new Set(columns.map(({ name }) => name))
  const add = (prefix: string, column: ViewColumn) => {
    const name = taken.has(column.name) ? `${prefix}_${column.name}` : column.name
    if (taken.has(name))
      throw new ServiceError('invalid_project', `two columns of the typed view would be named ${name}`, { path: model.definition.name })
    taken.add(name)
    columns.push({ ...column, name })
  }
  if (!maps.includes('outputs_number')) for (const [name, output] of Object.entries(outputs)) add('output', outputColumn(name, output))
  if (!maps.includes('features_number')) for (const feature of model.features.values()) add('feature', featureColumn(feature, project))
  for (const [role, entity] of Object.entries(entities)) add('entity', entityColumn(role, entity))
  return columns
}

function outputColumn(name: string, output: ProjectModel['definition']['outputs'][string]): ViewColumn {
  const comment = sentences([`Output. ${output.description}`, unitOf(output.unit), 'Null where the model gave none.'])
  return output.type === 'text' ? textColumn('outputs_text', name, comment) : numberColumn('outputs_number', name, comment)
}

function featureColumn(feature: ModelFeature, project: Project): ViewColumn {
  const comment = sentences([
    `Feature (${originOf(feature)}).`,
    feature.description,
    unitOf(feature.unit),
    'Null where the model saw it as missing.',
  ])
  const type = featureType(feature, project)
  if (type === 'text') return textColumn('features_text', feature.name, comment)
  const column = numberColumn('features_number', feature.name, comment)
  return type === 'boolean' ? { ...column, type: 'Nullable(Bool)', expression: `CAST(${column.expression} AS Nullable(Bool))` } : column
}

function entityColumn(role: string, entity: ProjectModel['definition']['entities'][string]): ViewColumn {
  return textColumn(
    'entities',
    role,
    sentences([`Entity: id of the ${role} (${entity.entity}).`, entity.description, 'Null where it was not sent.']),
  )
}

function originOf(feature: ModelFeature): string {
  if (feature.source === 'online') return `online, ${feature.feature} of view ${feature.view} by ${feature.entity}`
  return feature.source === 'derived' ? `derived, ${feature.derive.function}` : 'request'
}

// A map's absent key reads as 0 or '', which would be a value that was never served.
function mapColumn(map: string, name: string, comment: string, type: string): ViewColumn {
  const key = quoteString(name)
  return { name, type, comment, expression: `if(mapContains(${map}, ${key}), ${map}[${key}], NULL)` }
}

function numberColumn(map: string, name: string, comment: string): ViewColumn {
  return mapColumn(map, name, comment, 'Nullable(Float64)')
}

function textColumn(map: string, name: string, comment: string): ViewColumn {
  return mapColumn(map, name, comment, 'Nullable(String)')
}

function unitOf(unit: string | undefined): string | undefined {
  return unit === undefined ? undefined : `Unit: ${unit}.`
}

function sentences(parts: readonly (string | undefined)[]): string {
  return parts
    .filter((part) => part !== undefined)
    .map((part) => (/[.!?]$/.test(part.trim()) ? part.trim() : `${part.trim()}.`))
    .join(' ')
}
